"""The JSON API: one file for what belongs together, over the wire of `web.http`."""
