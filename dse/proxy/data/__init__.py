"""Any images as one format: decoded and resized once, then read from memory-mapped arrays."""
