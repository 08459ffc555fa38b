"""Score one network: a short training on a reduced task. Knows nothing of the rest of dse."""
