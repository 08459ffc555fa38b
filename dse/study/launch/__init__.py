"""Ways to start workers. A launcher only starts them: what is to be done is in the store."""
