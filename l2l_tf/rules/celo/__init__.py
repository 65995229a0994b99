"""Celo, Celo-Adam and Celo2: rules with published weights, under a learned schedule or none."""

from l2l_tf.rules.celo.celo import Celo, CeloAdam
from l2l_tf.rules.celo.celo2 import Celo2

__all__ = ["Celo", "Celo2", "CeloAdam"]
