"""The same network with one choice changed: what the change does, pair by pair."""
