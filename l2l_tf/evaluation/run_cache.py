"""Finished runs on disk: one JSON file for a problem, an optimizer and a length."""

import hashlib
import json
import math
import os
import pathlib
import tempfile
import warnings

import keras
import tensorflow as tf


class RunCache:
    """The file of a runner's finished runs, which other settings never share.

    Args:
        runner: `Runner`; its problem, contender and steps are the key, with the versions of
            TensorFlow and Keras.
        directory: Where files are; None: nothing is kept.
        version: Int, raised whenever what a run holds changes.
    """

    def __init__(self, runner, directory, version):
        self.key = _key(runner, version)
        self.path = None
        if directory is not None and runner.contender.identity is not None:
            digest = hashlib.sha256(json.dumps(self.key, sort_keys=True).encode()).hexdigest()
            name = f"{runner.contender.name}-{digest[:20]}.json"
            self.path = pathlib.Path(directory).expanduser() / name

    def read(self, decode):
        """Dict name → run, each as `decode` makes it; empty if there is no file.

        A file that holds something else is replaced, with a warning.
        """
        if self.path is None or not self.path.is_file():
            return {}
        try:
            content = json.loads(self.path.read_text())
            if content["key"] != self.key:
                raise ValueError("it belongs to other settings")
            return {name: decode(run) for name, run in content["runs"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            warnings.warn(
                f"{self.path} is no cache of runs and is replaced ({error})", stacklevel=2
            )
            return {}

    def write(self, runs):
        """Replace the file at once, so that an interruption leaves the old or the new one."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        try:
            with os.fdopen(handle, "w") as file:
                json.dump({"key": self.key, "runs": _encoded(runs)}, file, indent=1)
            os.replace(temporary, self.path)
        except BaseException:
            os.unlink(temporary)
            raise


def _key(runner, version):
    problem = runner.problem
    cls = type(problem.task)
    return {
        "format": version,
        "task": f"{cls.__module__}.{problem.task!r}",
        "contender": runner.contender.identity,
        "steps": runner.steps,
        "functions": problem.functions,
        "report_rows": problem.report_rows,
        "jit_compile": problem.jit_compile,
        "seed": problem.seed,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }


def _encoded(value):
    # JSON has no infinity: numbers that are not finite are written as text.
    if isinstance(value, dict):
        return {name: _encoded(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
