"""Metrics by name: each a small judge of its own, its weights fetched when it is asked for (see `catalogue`)."""
