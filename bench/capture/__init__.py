"""What capture adds to a host's writes, beside no audit and beside other libraries, on SQLAlchemy and on Django.

Owns the benchmark behind `make bench-capture`; `__main__` is its command. Not part of the shipped package, and nothing
in `src/` knows it.
"""
