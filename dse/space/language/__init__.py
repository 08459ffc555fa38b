"""SAY: what may be built and how likely, as a file."""
