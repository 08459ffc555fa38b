"""Figures of a population, and the offline report that shows them.

Figures are pure functions from a DataFrame to a Plotly figure; neither torch nor the store is
known here.
"""
