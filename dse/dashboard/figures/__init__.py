"""Figures: pure functions from DataFrames to Plotly figures, one kind a file.

Each names its n, draws its uncertainty, and shows the networks without an error too.
"""
