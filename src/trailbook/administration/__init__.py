"""Administration: changes to access, organisations and saved views, each an entry of the log."""
