"""DRAW: networks of a space inside a budget."""
