"""How contenders are compared on a task."""

from l2l_tf.core.config import Configured, boolean, choice, instance, integer, optional
from l2l_tf.evaluation.tuning import CRITERIA, Grid


class Settings(Configured):
    """How contenders are compared; `help` says what each of the fields means.

    `grid` is the `Grid` of learning rates that contenders are tuned over.

    Raises:
        ValueError: If a setting is out of range.
    """

    steps: int = integer(100, min=1, help="Steps per run.")
    seeds: int = integer(5, min=1, help="Reported runs per optimizer.")
    grid: Grid = instance(Grid, Grid())
    grid_seeds: int = integer(
        2, min=1, help="Runs per learning rate, on seeds that are not reported."
    )
    tune_for: str = choice(
        "train_loss",
        CRITERIA,
        help="Final loss that the grid is judged by; the held-out one is of the validation split.",
    )
    functions: int = integer(
        1,
        min=1,
        help="Functions per run, for tasks without data such as quadratics: losses are their "
        "means.",
    )
    records: int = integer(20, min=1, help="Recorded steps besides the start, evenly spaced.")
    report_rows: int | None = optional(
        integer(
            10_000,
            convert=lambda _, rows: None if rows == 0 else rows,
            help="Most rows of a split in a report, the first ones; 0: all.",
        )
    )
    jit_compile: bool | None = optional(
        boolean(
            None,
            help="Compile steps with XLA, or, by --nojit_compile, not; default: for tasks whose "
            "batches are drawn by TensorFlow, which are compiled once and then run faster.",
        )
    )
    seed: int = integer(0, max=2**31 - 1, help="Seed that all others come from.")
