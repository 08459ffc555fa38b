"""RUN: decide which networks are trained, and have workers train them."""
