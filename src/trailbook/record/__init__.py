"""The record: an entry's rules, its bytes and its row of the index. Pure."""
