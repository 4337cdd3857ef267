"""The wire: requests, answers and limits. Knows no route."""
