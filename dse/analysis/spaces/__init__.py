"""Comparing spaces by their populations: is one better, where, by how much, and how sure is it?"""
