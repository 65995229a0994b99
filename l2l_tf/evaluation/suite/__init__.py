"""Suites of Keras models of many kinds, each in two halves that share no task."""

from l2l_tf.evaluation.suite.documents import markdown, overview, write, write_page
from l2l_tf.evaluation.suite.entry import Entry
from l2l_tf.evaluation.suite.keras_task import KerasTask
from l2l_tf.evaluation.suite.picture import draw
from l2l_tf.evaluation.suite.running import run_suite
from l2l_tf.evaluation.suite.standings import Ranking, ranked, standings, task_standings
from l2l_tf.evaluation.suite.suites import (
    QUICK_BASELINES,
    QUICK_STRETCH,
    RIVALS,
    SUITES,
    TUNED,
    Suite,
    entries,
)

__all__ = [
    "QUICK_BASELINES",
    "QUICK_STRETCH",
    "RIVALS",
    "SUITES",
    "TUNED",
    "Entry",
    "KerasTask",
    "Ranking",
    "Suite",
    "draw",
    "entries",
    "markdown",
    "overview",
    "ranked",
    "run_suite",
    "standings",
    "task_standings",
    "write",
    "write_page",
]
