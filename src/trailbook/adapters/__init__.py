"""Adapters: other people's files and formats, read as entries. Handed a log, they never open one."""
