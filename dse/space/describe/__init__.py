"""SHOW: what a space and a budget make of each other, before any training."""
