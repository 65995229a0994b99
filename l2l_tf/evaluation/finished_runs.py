"""Finished runs of one optimizer on one task, remembered on disk."""

import hashlib
import json
import pathlib
import warnings

import keras
import tensorflow as tf

from l2l_tf.core.files import spelled, unspelled, write_whole
from l2l_tf.evaluation.code import run_code
from l2l_tf.evaluation.contenders import Rate
from l2l_tf.evaluation.runner import Measurement, recorded_steps
from l2l_tf.tasks.digest import digest_of

# Raised whenever what a run holds changes.
CACHE_FORMAT = 2


class FinishedRuns:
    """Runs of one runner, each taken from disk if it was ever finished.

    They are one JSON file, written anew after every run. Its key is all that a run depends on:
    the task, the length, the contender's identity and its optimizer's whole configuration, the code
    of all of it (`RUN_CODE` and a user's own classes), and the versions of TensorFlow and Keras.
    Without an identity, or where code is nowhere to be read, they are remembered in memory alone.

    Args:
        runner: `Runner`.
        directory: Directory of such files; None: nothing is kept.
    """

    def __init__(self, runner, directory):
        self.runner = runner
        self.path = None
        self.key = None if directory is None else _key(runner)
        if self.key is not None:
            digest = hashlib.sha256(json.dumps(self.key, sort_keys=True).encode()).hexdigest()
            name = f"{runner.contender.name}-{digest[:20]}.json"
            self.path = pathlib.Path(directory).expanduser() / name
        self.runs = self._read()

    def final_loss(self, rate, seed, split="train"):
        """Loss on a split at the end of a tuning run; infinite after one that diverged."""
        (final,) = self._run("tuning", seed, rate, None, (split,))
        return final.reports[split]["loss"]

    def curve(self, rate, seed, records):
        """List of `Measurement` of a reported run, at the start and `records` steps."""
        return self._run("report", seed, rate, records, ("train", "test"))

    def _run(self, stream, seed, rate, records, splits):
        name = f"{stream}/{seed}/{'-' if rate is None else f'{rate:.6g}'}/{records or 'end'}"
        if stream == "tuning" and splits != ("train",):
            name = "/".join([name, *splits])
        if name not in self.runs:
            at = recorded_steps(self.runner.steps, records) if records else None
            self.runs[name] = self.runner.run(stream, seed, rate, at, splits)
            self._write()
        return self.runs[name]

    def _read(self):
        """The runs in the file. One that holds something else is replaced, with a warning."""
        if self.path is None or not self.path.is_file():
            return {}
        try:
            content = json.loads(self.path.read_text())
            if content["key"] != self.key:
                raise ValueError("it belongs to other settings")
            return {
                name: [Measurement(**unspelled(measurement)) for measurement in run]
                for name, run in content["runs"].items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            warnings.warn(
                f"{self.path} is no cache of runs and is replaced ({error})", stacklevel=3
            )
            return {}

    def _write(self):
        """Replace the file at once, so that an interruption leaves the old or the new one."""
        if self.path is None:
            return
        runs = {name: [m._asdict() for m in run] for name, run in self.runs.items()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, json.dumps({"key": self.key, "runs": spelled(runs)}, indent=1))


def _key(runner):
    """All that a run depends on, JSON-serialisable; None where that is not known."""
    problem, contender = runner.problem, runner.contender
    task_class = type(problem.task)
    if contender.identity is None:
        return None
    optimizer = contender.make(Rate(0.0), runner.steps)
    try:
        code = run_code(task_class, type(optimizer))
    except (TypeError, OSError):
        return None
    return {
        **({"pictures": True} if problem.has_pictures else {}),
        "format": CACHE_FORMAT,
        "code": code,
        "task": f"{task_class.__module__}.{problem.task!r}",
        "contender": contender.identity,
        "optimizer": digest_of(optimizer),
        "steps": runner.steps,
        "functions": problem.functions,
        "report_rows": problem.report_rows,
        "jit_compile": problem.jit_compile,
        "seed": problem.seed,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
