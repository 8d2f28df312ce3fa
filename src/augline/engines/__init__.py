"""Engines carry out plans. Each is one `prepare` function behind a table of stage kinds; they know no transforms."""
