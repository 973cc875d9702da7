"""The tooling behind the Makefile: `python -m course --help`."""
