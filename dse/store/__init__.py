"""REMEMBER: one SQL store of plain values that knows nothing of networks or torch."""
