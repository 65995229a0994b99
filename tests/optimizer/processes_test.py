"""LearnedOptimizer where a process of its own is needed: replicas, and a single thread."""

import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

TESTS = pathlib.Path(__file__).parents[1]


def start(script, *arguments, **environment):
    """A script, run beside the tests' own modules."""
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    return subprocess.Popen(
        [sys.executable, str(TESTS / "helpers" / script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "-1", **environment},
    )


def lines(process):
    """What a script printed, once it has ended well."""
    said, errors = process.communicate(timeout=1200)
    assert process.returncode == 0, errors[-3000:]
    return said.split("\n")[:-1]


def printed(script, *arguments):
    """Lines that a script prints."""
    return lines(start(script, *arguments))


def of_two_workers(script, *arguments):
    """What each of two workers on loopback printed."""
    sockets = [socket.socket() for _ in range(2)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    cluster = {"worker": [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]}
    for each in sockets:
        each.close()
    tasks = ({"type": "worker", "index": index} for index in range(2))
    configs = [json.dumps({"cluster": cluster, "task": task}) for task in tasks]
    return [lines(p) for p in [start(script, *arguments, TF_CONFIG=c) for c in configs]]


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


@pytest.mark.parametrize("rule", ["default", "celo", "gac_lstm"])
def test_a_fit_that_is_killed_ends_at_the_same_bits_however_it_was_kept(rule, tmp_path):
    """Killed at a random moment of its fourth epoch, and gone on with in three ways of Keras's."""
    one_thread = {f"TF_NUM_{kind}OP_THREADS": "1" for kind in ("INTRA", "INTER")}
    whole, killed = (
        start("killed_fit.py", what, tmp_path, rule, **one_thread) for what in ("whole", "killed")
    )
    while killed.stdout.readline() != "epoch 3\n":
        assert killed.poll() is None, killed.stderr.read()
    time.sleep(random.Random(rule).uniform(0.0, 0.7))
    killed.kill()
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    (expected,) = lines(whole)
    found = lines(start("killed_fit.py", "resumed", tmp_path, rule, **one_thread))
    expected = expected.removeprefix("whole ")
    assert found == [f"{way} {expected}" for way in ("backup", "model", "weights")]


def test_with_op_determinism_the_same_seeds_give_the_same_bits():
    """In use, traced and compiled, and in meta-training; in two processes of several threads."""
    presets = ["lstm-digits", "rnnprop-general", "mixture-general", "spectral-general"]
    first, second = (printed("deterministic.py", ",".join(presets)) for _ in range(2))
    assert first == second
    assert [line.rpartition(" ")[0] for line in first] == [
        *presets,
        "compiled by itself",
        "bptt",
        "pes",
    ]
    assert len({line.rpartition(" ")[2] for line in first}) == len(first)


KINDS = ["lstm", "rnnprop", "celo", "gac_lstm", "ntm_lbfgs", "adam", "spectral"]


def test_custom_loops_on_mirrored_replicas_train_as_one_on_the_joint_batch():
    assert printed("custom_loop_replicas.py") == [*KINDS, "skipped"]


def test_custom_loops_on_two_workers_train_as_one_on_the_joint_batch():
    assert of_two_workers("custom_loop_replicas.py") == [[*KINDS, "skipped"]] * 2


def test_fit_over_several_workers_still_fails_upstream():
    """Once it works, docs/distributed.md says so, and `fit` is held to one process as loops are."""
    for said in of_two_workers("custom_loop_replicas.py", "fit"):
        assert said[-1].startswith("fit fails: ")


def test_meta_training_on_two_replicas_learns_what_it_learns_on_one():
    assert printed("meta_mirrored.py") == ["bptt", "bptt, a joint rule", "pes"]
