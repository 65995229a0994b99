"""First step, step and memory of whole models: the default beside Keras's Adam.

Every model, optimizer and setting of jit has a process of its own (`model_process`); those of
one model take their steps in turn, so that what disturbs the machine disturbs all alike.
"""

import contextlib
import json
import statistics
import subprocess
import sys

from benchmarks.model_process import ALONE, MODELS
from benchmarks.steps import ADAM, DEFAULT

OPTIMIZERS = (ALONE, ADAM, DEFAULT)


def measure(repeats, models=None, optimizers=OPTIMIZERS, jits=(False, True)):
    """Rows with the cost of training steps of every model with every optimizer.

    Args:
        repeats: Interleaved rounds; their median counts.
        models: Names of `MODELS`; None: all of them.
        optimizers: Names of `steps.optimizers()`, and `ALONE`.
        jits: Values of `jit_compile`.

    Returns:
        List of dicts: `model`, `variables`, `weights`, `optimizer`, `jit`, `first_seconds` (build,
        trace, compile and run), `step_milliseconds`, `own_milliseconds` (the step's less those of
        gradients alone), both in wall-clock and in processor time, and `peak_megabytes` of the
        process; or `failed`.
    """
    rows = []
    for model in models or MODELS:
        for jit in jits:
            with contextlib.ExitStack() as stack:
                started = [stack.enter_context(_Process(model, n, jit)) for n in optimizers]
                for _ in range(repeats):
                    for process in started:
                        process.round()
                found = [process.row() for process in started]
            _subtract_gradients(found)
            rows += found
            print(*map(_brief, found), sep="\n", flush=True)
    return rows


class _Process:
    """A `model_process` that has taken its first step."""

    def __init__(self, model, optimizer, jit):
        self.about = {"model": model, "optimizer": optimizer, "jit": jit}
        command = [sys.executable, "-m", "benchmarks.model_process", f"--model={model}"]
        command += [f"--optimizer={optimizer}", f"--jit={jit}"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self._first, self._rounds = self._answer(), []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()

    def round(self):
        """Take steps for a while."""
        if self._process.poll() is None:
            print("step", file=self._process.stdin, flush=True)
            self._rounds.append(self._answer())

    def _answer(self):
        line = self._process.stdout.readline()
        return json.loads(line) if line.startswith("{") else None

    def row(self):
        """What was measured."""
        if self._first is None or None in self._rounds:
            return {**self.about, "failed": f"exit code {self._process.wait()}"}
        first = self._first
        return {
            **self.about,
            "weights": first["weights"],
            "variables": first["variables"],
            "first_seconds": first["first_seconds"],
            "first_processor_seconds": first["first_processor_seconds"],
            "step_milliseconds": self._median("seconds", 1e3),
            "step_processor_milliseconds": self._median("processor_seconds", 1e3),
            "peak_megabytes": self._rounds[-1]["peak_bytes"] / 1e6,
        }

    def _median(self, key, factor):
        return factor * statistics.median(answer[key] for answer in self._rounds)


def _subtract_gradients(rows):
    """Add the optimizer's own time, by both clocks, to rows of one model."""
    alone = next((r for r in rows if r["optimizer"] == ALONE and "failed" not in r), None)
    for row in rows:
        for clock in ("", "processor_"):
            key = f"step_{clock}milliseconds"
            if alone is not None and key in row and row is not alone:
                row[f"own_{clock}milliseconds"] = row[key] - alone[key]


def _brief(row):
    name = f"{row['model']}{' jit' * row['jit']}, {row['optimizer']}"
    if "failed" in row:
        return f"{name}: {row['failed']}"
    return (
        f"{name}: first {row['first_seconds']:.1f} s ({row['first_processor_seconds']:.1f} of a "
        f"processor), step {row['step_milliseconds']:.1f} ms "
        f"({row['step_processor_milliseconds']:.1f}), {row['peak_megabytes']:.0f} MB"
    )
