"""What a population says, each statement with its n and its uncertainty.

Pure functions on the population DataFrame; neither torch nor the store is known here.
"""
