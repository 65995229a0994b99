"""Evaluation: learned optimizers beside tuned hand-crafted ones, on equal terms."""

from l2l_tf.evaluation import baselines
from l2l_tf.evaluation.comparison import evaluate
from l2l_tf.evaluation.contenders import Contender, CosineToZero, Rate, learned
from l2l_tf.evaluation.contenders import from_text as contender_from_text
from l2l_tf.evaluation.cost import CostReport, cost_report
from l2l_tf.evaluation.results import Contestant, Record, Results, Summary
from l2l_tf.evaluation.settings import Settings
from l2l_tf.evaluation.tuning import Grid

__all__ = [
    "Contender",
    "Contestant",
    "CosineToZero",
    "CostReport",
    "Grid",
    "Rate",
    "Record",
    "Results",
    "Settings",
    "Summary",
    "baselines",
    "contender_from_text",
    "cost_report",
    "evaluate",
    "learned",
]
