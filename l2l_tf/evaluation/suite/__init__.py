"""The general suite: Keras models of many kinds, in two halves that share no task."""

from l2l_tf.evaluation.suite.documents import markdown, summary_table, write
from l2l_tf.evaluation.suite.entry import Entry
from l2l_tf.evaluation.suite.keras_task import KerasTask
from l2l_tf.evaluation.suite.running import (
    HALVES,
    QUICK,
    QUICK_BASELINES,
    RIVALS,
    TUNED,
    SuiteSettings,
    entries,
    run_suite,
)
from l2l_tf.evaluation.suite.standings import standings, task_standings

__all__ = [
    "HALVES",
    "QUICK",
    "QUICK_BASELINES",
    "RIVALS",
    "TUNED",
    "Entry",
    "KerasTask",
    "SuiteSettings",
    "entries",
    "markdown",
    "run_suite",
    "standings",
    "summary_table",
    "task_standings",
    "write",
]
