"""Fewer trainings for the same sentence: what is known on paper is not sampled."""
