"""TAKE HOME: the best networks of a study as files."""
