"""Optimizers. Provided for now; a later module of the course is about them."""

from terox.optim.sgd import SGD

__all__ = ["SGD"]
