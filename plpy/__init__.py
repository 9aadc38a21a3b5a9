"""Bodies of the PL/Python functions, importable for tests and for training."""
