"""Records of an evaluation, their summaries, and their files."""

import dataclasses
import datetime
import functools
import json
import lzma
import math
import os
import pathlib
import platform
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from l2l_tf.core.checks import check_choice
from l2l_tf.core.files import spelled, unspelled, write_csv, write_whole
from l2l_tf.version import __version__


@dataclasses.dataclass(frozen=True)
class Record:
    """One optimizer, one seed, one recorded step. None: the task has no such number.

    Attributes:
        task: The task as text.
        optimizer: Name of the contender.
        learning_rate: The tuned learning rate; None if nothing was tuned.
        seed: Number of the seed.
        step: Steps taken.
        seconds: Time in these steps, without compilation and reports.
        batch_loss: Mean loss of the batches since the record before; None at step 0.
        train_loss: Loss on the train split (for a task without data: its loss).
        held_out_loss: Loss on the test split.
        train_accuracy: Share of the train split classified right.
        held_out_accuracy: Share of the test split classified right.
    """

    task: str
    optimizer: str
    learning_rate: float | None
    seed: int
    step: int
    seconds: float
    batch_loss: float | None
    train_loss: float
    held_out_loss: float | None
    train_accuracy: float | None
    held_out_accuracy: float | None

    @classmethod
    def of(cls, contestant: "Contestant", seed: int, measurement: Any) -> "Record":
        """The record of a `Contestant`'s `Measurement` with that seed."""
        train = measurement.reports["train"]
        held_out = measurement.reports.get("test", {})
        return cls(
            task=contestant.task,
            optimizer=contestant.optimizer,
            learning_rate=contestant.learning_rate,
            seed=seed,
            step=measurement.step,
            seconds=measurement.seconds,
            batch_loss=measurement.batch_loss,
            train_loss=train["loss"],
            held_out_loss=held_out.get("loss"),
            train_accuracy=train.get("accuracy"),
            held_out_accuracy=held_out.get("accuracy"),
        )


@dataclasses.dataclass(frozen=True)
class Contestant:
    """One optimizer on one task.

    Attributes:
        task: The task as text.
        optimizer: Name of the contender.
        learned: Whether its update rule was learned.
        learning_rate: The tuned learning rate, or None.
        inside_grid: Whether worse rates were tried on both sides; None if not tuned.
        tuning: Dict learning rate → mean final loss over the grid's seeds.
    """

    task: str
    optimizer: str
    learned: bool
    learning_rate: float | None = None
    inside_grid: bool | None = None
    tuning: dict = dataclasses.field(default_factory=dict)

    def tuned_to(self, tuned: Any) -> "Contestant":
        """The contestant at the learning rate that a tuning found."""
        return dataclasses.replace(
            self, learning_rate=tuned.rate, inside_grid=tuned.inside, tuning=tuned.losses
        )


@dataclasses.dataclass(frozen=True)
class Picture:
    """What the parameters looked like at a recorded step of an optimizer's first run.

    Attributes:
        task: The task as text.
        optimizer: Name of the contender.
        step: Steps taken.
        jpeg: The picture's file in base 64.
    """

    task: str
    optimizer: str
    step: int
    jpeg: str

    @classmethod
    def of(cls, contestant: "Contestant", measurement: Any) -> "Picture":
        """The picture of a `Contestant`'s `Measurement`."""
        return cls(contestant.task, contestant.optimizer, measurement.step, measurement.picture)

    @property
    def source(self) -> str:
        """The picture as a data URI."""
        return f"data:image/jpeg;base64,{self.jpeg}"


@dataclasses.dataclass(frozen=True)
class Spread:
    """Median, minimum and maximum of a number over seeds."""

    median: float
    min: float
    max: float


@dataclasses.dataclass(frozen=True)
class Summary:
    """The end of an optimizer's runs on a task, over seeds; None: no such number."""

    contestant: Contestant
    train_loss: Spread
    held_out_loss: Spread | None
    held_out_accuracy: Spread | None
    seconds: Spread
    seconds_per_step: Spread


@dataclasses.dataclass
class Results:
    """All that an evaluation found.

    Attributes:
        settings: Dict of what was asked for.
        contestants: List of `Contestant`.
        records: List of `Record`.
        pictures: List of `Picture`; of most tasks there are none.
        versions: Dict of the versions of Python and packages.
        date: ISO date.
        cpu: Model and cores of the CPU.
    """

    settings: dict
    contestants: list
    records: list
    pictures: list = dataclasses.field(default_factory=list)
    versions: dict = dataclasses.field(default_factory=lambda: _versions())
    date: str = dataclasses.field(default_factory=lambda: datetime.date.today().isoformat())
    cpu: str = dataclasses.field(default_factory=lambda: _cpu())

    @property
    def tasks(self) -> list[str]:
        """Tasks in the order of evaluation."""
        return list(dict.fromkeys(c.task for c in self.contestants))

    def runs(self, task: str, optimizer: str) -> dict[int, list[Record]]:
        """Records of one optimizer on one task: dict seed → list in the order of steps."""
        return self._runs.get((task, optimizer), {})

    @functools.cached_property
    def _runs(self):
        runs = {}
        for record in self.records:
            of_pair = runs.setdefault((record.task, record.optimizer), {})
            of_pair.setdefault(record.seed, []).append(record)
        return runs

    def summary(self, task: str | None = None) -> list[Summary]:
        """`Summary` of every optimizer on a task (the only one, if not named), best first.

        Raises:
            ValueError: If there is no such task.
        """
        task = self._task(task)
        rows = [self._summarize(c) for c in self.contestants if c.task == task]
        return sorted(rows, key=lambda row: row.train_loss.median)

    def curve(self, task: str, optimizer: str, quantity: str) -> tuple[np.ndarray, ...]:
        """Median and range over seeds of a quantity along the runs.

        Args:
            task: The task as text.
            optimizer: Name of the contender.
            quantity: Name of a numeric field of `Record`.

        Returns:
            `(steps [k], seconds [k], median [k], min [k], max [k])`, arrays; NaN
            where there is no such number.
        """
        runs = list(self.runs(task, optimizer).values())
        values = np.array([[_number(getattr(r, quantity)) for r in run] for run in runs])
        seconds = np.median([[r.seconds for r in run] for run in runs], axis=0)
        steps = np.array([r.step for r in runs[0]])
        return steps, seconds, np.median(values, axis=0), values.min(axis=0), values.max(axis=0)

    def to_table(self, task: str | None = None) -> Any:
        """`rich` table of the summary; see `tables.table`."""
        from l2l_tf.evaluation import tables

        return tables.table(self, self._task(task))

    def cost(self, task: str | None = None) -> list:
        """When each optimizer's step pays back beside tuned Adam's; see `cost.pay_back`."""
        from l2l_tf.evaluation import cost

        return cost.pay_back(self, self._task(task))

    def plot(self, path: str | os.PathLike) -> None:
        """Write the curves as a PNG file; see `plots.plot`."""
        from l2l_tf.evaluation import plots

        plots.plot(self, path)

    def to_html(self, path: str | os.PathLike) -> None:
        """Write one self-contained page with interactive curves; see `page.write`."""
        from l2l_tf.evaluation import page

        page.write(self, path)

    def to_csv(self, path: str | os.PathLike) -> None:
        """Write one row per record."""
        names = [field.name for field in dataclasses.fields(Record)]
        write_csv(path, [dataclasses.asdict(record) for record in self.records], names)

    def to_json(self, path: str | os.PathLike) -> None:
        """Write everything; numbers that are not finite as text ("inf")."""
        content = spelled(dataclasses.asdict(self))
        write_whole(path, json.dumps(content, indent=1, allow_nan=False) + "\n")

    @classmethod
    def from_json(cls, path: str | os.PathLike) -> "Results":
        """The results that `to_json` wrote, packed by `xz` where the file's name ends so.

        Raises:
            ValueError: If the file holds something else.
        """
        try:
            packed = pathlib.Path(path).read_bytes()
            text = lzma.decompress(packed) if str(path).endswith(".xz") else packed
            content = json.loads(text)
            records = [_record(r) for r in content.pop("records")]
            contestants = [_contestant(c) for c in content.pop("contestants")]
            pictures = [Picture(**p) for p in content.pop("pictures", [])]
            return cls(**content, records=records, contestants=contestants, pictures=pictures)
        except (ValueError, KeyError, TypeError, AttributeError, lzma.LZMAError) as error:
            raise ValueError(f"Not the results of an evaluation ({error}). Received: {path}") from (
                error
            )

    @classmethod
    def merged(cls, parts: Iterable["Results"]) -> "Results":
        """Results of several tasks as one; the settings of each are kept in a list.

        Raises:
            ValueError: If an optimizer is on a task in two of them.
        """
        parts = list(parts)
        if len(parts) == 1:
            return parts[0]
        pairs = [(c.task, c.optimizer) for part in parts for c in part.contestants]
        if len(set(pairs)) < len(pairs):
            twice = next(pair for pair in pairs if pairs.count(pair) > 1)
            raise ValueError(
                f"An optimizer is on a task once. Received: {twice[1]} on {twice[0]} twice"
            )
        return cls(
            {"parts": [part.settings for part in parts]},
            [c for part in parts for c in part.contestants],
            [r for part in parts for r in part.records],
            [p for part in parts for p in part.pictures],
        )

    def _task(self, task):
        known = self.tasks
        if task is None and len(known) == 1:
            return known[0]
        check_choice("task", task, known)
        return task

    def _summarize(self, contestant):
        runs = self.runs(contestant.task, contestant.optimizer)
        ends = [run[-1] for run in runs.values()]
        return Summary(
            contestant,
            _spread([r.train_loss for r in ends]),
            _spread([r.held_out_loss for r in ends]),
            _spread([r.held_out_accuracy for r in ends]),
            _spread([r.seconds for r in ends]),
            _spread([r.seconds / r.step for r in ends]),
        )


def _spread(values):
    if any(value is None for value in values):
        return None
    # The middle value by rank: a mean of two middle ones may be infinite minus nothing.
    return Spread(float(np.median(values)), float(min(values)), float(max(values)))


def _number(value):
    return math.nan if value is None else float(value)


def _record(content):
    names = {name: content[name] for name in ("task", "optimizer")}
    return Record(**{**unspelled(content), **names})


def _contestant(content):
    tuning = {float(rate): float(loss) for rate, loss in content["tuning"].items()}
    return Contestant(**{**content, "tuning": tuning})


def _versions():
    return {
        "python": platform.python_version(),
        "l2l_tf": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def _cpu():
    model = platform.processor() or platform.machine()
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    return f"{model}, {os.cpu_count()} cores"
