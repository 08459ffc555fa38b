"""Adaptive search by Optuna's samplers: the next networks depend on the errors of earlier ones.

A search is a study of its own kind. It looks for good networks, so that its networks are no sample
of the space, and it is in no statistic of a survey.
"""
