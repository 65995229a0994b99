"""Estimators of the meta-gradient, behind one signature."""

from l2l_tf.meta.estimators.base import ESTIMATORS, META_LOSS_SPLITS, Estimate, Estimator
from l2l_tf.meta.estimators.bptt import TruncatedBPTT
from l2l_tf.meta.estimators.evolution import EvolutionStrategies, PersistentEvolutionStrategies
from l2l_tf.meta.estimators.imitation import Imitation
from l2l_tf.meta.estimators.lookahead import Lookahead
from l2l_tf.meta.estimators.reinforce import Reinforce

__all__ = [
    "ESTIMATORS",
    "META_LOSS_SPLITS",
    "Estimate",
    "Estimator",
    "EvolutionStrategies",
    "Imitation",
    "Lookahead",
    "PersistentEvolutionStrategies",
    "Reinforce",
    "TruncatedBPTT",
]
