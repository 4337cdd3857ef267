"""The log: the one facade through which every door records, finds and shows."""
