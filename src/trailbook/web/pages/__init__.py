"""The HTML pages: one file a page, and what they share."""
