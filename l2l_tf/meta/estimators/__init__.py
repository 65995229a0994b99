"""Estimators of the meta-gradient, behind one signature."""

from l2l_tf.meta.estimators.base import META_BATCHES, Estimate, Estimator
from l2l_tf.meta.estimators.bptt import TruncatedBPTT

__all__ = ["META_BATCHES", "Estimate", "Estimator", "TruncatedBPTT"]
