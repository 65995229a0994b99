"""Bias and variance of the estimators of the meta-gradient."""
