"""The suites by name: their tasks in two halves, and how they are run unless told otherwise."""

import dataclasses
from collections.abc import Sequence

from l2l_tf.core.checks import check_choice
from l2l_tf.core.unknown import unknown
from l2l_tf.evaluation.settings import Settings
from l2l_tf.evaluation.suite import development, middle_development, middle_report, report
from l2l_tf.evaluation.suite.entry import Entry
from l2l_tf.evaluation.tuning import Grid

TUNED = ("adam", "adamw_cosine", "momentum", "rmsprop", "nesterov")
RIVALS = ("adam_default", "schedule_free_adamw", "prodigy", "dowg")
# A first look: fewer contenders, and a fifth of the steps.
QUICK_BASELINES = ("adam", "adamw_cosine", "adam_default")
QUICK_STRETCH = 0.2


@dataclasses.dataclass(frozen=True)
class Suite:
    """Tasks in two halves that share none.

    Attributes:
        halves: Dict "development", "report" → entries: for choices, and for published figures.
        settings: `Settings`.
        baselines: Names of the hand-crafted contenders.
        quick: `Settings` of a first look, with `QUICK_BASELINES` and `QUICK_STRETCH`.
    """

    halves: dict
    settings: Settings
    baselines: tuple
    quick: Settings


SUITES = {
    "general": Suite(
        {"development": development.ENTRIES, "report": report.ENTRIES},
        Settings(grid=Grid(1e-4, 1.0, per_decade=2), report_rows=1024),
        (*TUNED, *RIVALS),
        Settings(
            grid=Grid(1e-3, 1e-1, per_decade=1, extend=1), grid_seeds=1, seeds=2, report_rows=1024
        ),
    ),
    "middle": Suite(
        {"development": middle_development.ENTRIES, "report": middle_report.ENTRIES},
        Settings(
            grid=Grid(3e-4, 1e-2, per_decade=2), grid_seeds=1, seeds=3, records=16, report_rows=512
        ),
        ("adam", "adamw_cosine", "muon_cosine", "adam_default"),
        Settings(
            grid=Grid(1e-3, 1e-2, per_decade=1, extend=1), grid_seeds=1, seeds=1, report_rows=512
        ),
    ),
}


def entries(half: str, names: Sequence[str] = (), suite: str = "general") -> list[Entry]:
    """The entries of a suite's half, all or those named.

    Raises:
        ValueError: If there is no such suite, half or entry.
    """
    check_choice("suite", suite, SUITES)
    halves = SUITES[suite].halves
    check_choice("half", half, halves)
    known = {entry.name: entry for entry in halves[half]}
    for name in names:
        if name not in known:
            raise ValueError(unknown("task of this half", name, known, argument="task"))
    return [known[name] for name in names] if names else list(halves[half])
