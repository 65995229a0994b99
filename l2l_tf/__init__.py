"""Optimizers that were learned, as a Keras optimizer."""

__version__ = "0.1.0"
