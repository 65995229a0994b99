"""LearnedOptimizer where a process of its own is needed: replicas, and a single thread."""

import os
import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

TESTS = pathlib.Path(__file__).parents[1]


def printed(script, *arguments):
    """Lines that a script prints, run beside the tests' own modules."""
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    done = subprocess.run(
        [sys.executable, str(TESTS / "helpers" / script), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.split("\n")[:-1]


def test_two_mirrored_replicas_train_as_one_device_does():
    assert printed("mirrored_fit.py") == [
        "equal",
        "equal weight_decay",
        "equal clipvalue",
        "equal use_ema",
        "told",
        "skipped",
    ]


def test_on_one_thread_a_resumed_training_is_the_same_to_the_last_bit(tmp_path):
    assert printed("resume_on_one_thread.py", tmp_path) == ["lstm", "rnnprop", "celo2", "ntm_lbfgs"]
