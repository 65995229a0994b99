"""The step of optimizers at two commits, in turn: python -m benchmarks.commits d98120f^ HEAD.

With `--meta` meta-steps of the trainer instead, in ms, and by what factor more of them are taken.

Processor time on one thread, µs. Each commit's code runs in a process of its own; both take the
same round before the next. The quotient is the median of the rounds' quotients, with their
quartiles. What it is for Keras's Adam, which neither commit touches, is chance.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from absl import app, flags

from tools import house

FLAGS = flags.FLAGS
PROCESS = pathlib.Path(__file__).parent / "commit_process.py"
META_PROCESS = PROCESS.with_name("meta_process.py")
# Rules whose mathematics are those of before the house was moved.
OPTIMIZERS = ("keras adam", "adam", "lstm-mnist", "rnnprop-general", "celo", "mixture-general")
# Estimator, rule and task of meta-trainings.
TRAININGS = (
    "bptt(num_tasks=128): lstm(preprocess=None): quadratic",
    "bptt(num_tasks=1): lstm: mnist_mlp",
    "bptt: rnnprop: digits_mlp",
    "pes(num_tasks=8): rnnprop: digits_mlp",
    "pes(num_tasks=8): mixture: digits_mlp",
    "pes(num_tasks=8): spectral: digits_mlp",
)

if __name__ == "__main__":
    flags.DEFINE_multi_string("optimizer", list(OPTIMIZERS), "As in benchmarks.commit_process.")
    flags.DEFINE_bool("meta", False, "Measure meta-steps, those of --training.")
    flags.DEFINE_multi_string("training", list(TRAININGS), "As in benchmarks.meta_process.")
    flags.DEFINE_integer("repeats", 31, "Rounds of each step.", 1)


@contextlib.contextmanager
def at_commit(commit, names, process=PROCESS):
    """A process with a commit's code, as `commit_process` says, and the steps that it has."""
    with tempfile.TemporaryDirectory() as directory:
        tree = house.at_commit(commit, directory)
        command = [sys.executable, "-P", process, *(f"--optimizer={name}" for name in names)]
        process = subprocess.Popen(
            command,
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield process, _answer(process)
        finally:
            process.stdin.close()
            process.wait()


def seconds(process, number):
    """What a step takes in a round of now.

    Args:
        process: As `at_commit` yields it.
        number: Which of its steps.
    """
    process.stdin.write(f"{number}\n")
    process.stdin.flush()
    return _answer(process)


def _answer(process):
    line = process.stdout.readline()
    if not line:
        raise ChildProcessError(f"The process ended. Received: {process.args!r}")
    return json.loads(line)


def table(cases, measured):
    """Lines of the Markdown table.

    Args:
        cases: List of (optimizer, (weights, variables), whether XLA compiles it).
        measured: Array of seconds `[cases, rounds, 2]`.
    """
    lines = [
        "| optimizer | weights in variables | XLA | before | after | after / before (quartiles) |",
        "|---|---|---|---|---|---|",
    ]
    for (name, (weights, variables), jit), rounds in zip(cases, measured, strict=True):
        before, after = 1e6 * np.median(rounds, axis=0)
        low, middle, high = np.percentile(rounds[:, 1] / rounds[:, 0], [25, 50, 75])
        lines.append(
            f"| {name} | {weights:,} in {variables} | {'yes' if jit else 'no'} | {before:.0f} | "
            f"{after:.0f} | {middle:.2f} ({low:.2f} to {high:.2f}) |"
        )
    return lines


def meta_table(cases, measured):
    """Lines of the Markdown table of meta-steps; arguments as those of `table`."""
    lines = [
        "| estimator, rule, task | ms of a meta-step, before | after | as many (quartiles) |",
        "|---|---|---|---|",
    ]
    for name, rounds in zip(cases, measured, strict=True):
        before, after = 1e3 * np.median(rounds, axis=0)
        low, middle, high = np.percentile(rounds[:, 0] / rounds[:, 1], [25, 50, 75])
        told = ", ".join(f"`{part}`" for part in name.split(": "))
        lines.append(
            f"| {told} | {before:.1f} | {after:.1f} | {middle:.2f} ({low:.2f} to {high:.2f}) |"
        )
    return lines


def main(argv):
    if len(argv) != 3:
        raise app.UsageError(f"Two commits are needed. Received: {argv[1:]}")
    what = (FLAGS.training, META_PROCESS) if FLAGS.meta else (FLAGS.optimizer, PROCESS)
    with contextlib.ExitStack() as stack:
        both = [stack.enter_context(at_commit(commit, *what)) for commit in argv[1:]]
        processes = [process for process, _ in both]
        cases = both[0][1]
        measured = [
            [[seconds(process, number) for process in processes] for _ in range(FLAGS.repeats)]
            for number in range(len(cases))
        ]
    print(*(meta_table if FLAGS.meta else table)(cases, np.array(measured)), sep="\n")


if __name__ == "__main__":
    app.run(main)
