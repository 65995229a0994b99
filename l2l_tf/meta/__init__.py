"""Meta-training: what turns tasks into the weights of a rule."""

from l2l_tf.meta import callbacks
from l2l_tf.meta.estimators import (
    Estimator,
    EvolutionStrategies,
    Imitation,
    Lookahead,
    PersistentEvolutionStrategies,
    Reinforce,
    TruncatedBPTT,
)
from l2l_tf.meta.settings import Settings
from l2l_tf.meta.trainer import Trainer

__all__ = [
    "Estimator",
    "EvolutionStrategies",
    "Imitation",
    "Lookahead",
    "PersistentEvolutionStrategies",
    "Reinforce",
    "Settings",
    "Trainer",
    "TruncatedBPTT",
    "callbacks",
]
