"""How contenders are compared on a task."""

import dataclasses

from l2l_tf.evaluation.tuning import CRITERIA, Grid


@dataclasses.dataclass(frozen=True)
class Settings:
    """How contenders are compared.

    Attributes:
        steps: Length of a run.
        seeds: Reported runs per contender.
        grid: `Grid` of learning rates.
        grid_seeds: Runs per learning rate, on seeds that are not reported.
        tune_for: "train_loss", or "held_out_loss" (on the validation split).
        functions: Functions per run, for tasks without data; losses are means over them.
        records: Most steps recorded, evenly spaced, besides the start.
        report_rows: Most rows of a split in a report (the first ones); None: all.
        jit_compile: Whether to compile with XLA; None: if the task draws its batches in
            the graph.
        seed: Non-negative int that every seed is derived from.

    Raises:
        ValueError: If a setting is out of range.
    """

    steps: int = 100
    seeds: int = 5
    grid: Grid = Grid()
    grid_seeds: int = 2
    tune_for: str = "train_loss"
    functions: int = 1
    records: int = 20
    report_rows: int | None = 10_000
    jit_compile: bool | None = None
    seed: int = 0

    def __post_init__(self):
        for name in ("steps", "seeds", "grid_seeds", "functions", "records", "report_rows"):
            value = getattr(self, name)
            if name == "report_rows" and value is None:
                continue
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"`{name}` is a positive integer. Received: {name}={value!r}")
        if self.tune_for not in CRITERIA:
            raise ValueError(
                f"`tune_for` is one of {tuple(CRITERIA)}. Received: tune_for={self.tune_for!r}"
            )
