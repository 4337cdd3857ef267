"""Pages of the reference that are made of more rooms than one: the Python API, the filter, the errors."""
