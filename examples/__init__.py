"""Training programs, to run and to change: `python -m examples.scalars --help`."""
