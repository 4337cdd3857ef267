"""Migrations of the small host that write rows, while its tables come to be."""
