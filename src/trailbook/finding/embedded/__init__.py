"""The embedded engine of finding: the index beside the entries, kept in the store itself."""
