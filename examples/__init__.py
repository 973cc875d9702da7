"""Training programs, to run and to change: `python -m examples.scalars --help`, `python -m examples.digits --help`."""
