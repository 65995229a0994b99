"""`l2l-train` over several workers, started here as processes on loopback."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from l2l_tf import presets
from l2l_tf.meta import checkpoint

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
# Of a run, on a machine in use.
MOST_SECONDS = 3600
COMMON = (
    "--task=quadratic(dimension=3)",
    "--task=digits_mlp(hidden=3,batch_size=8)",
    "--unroll=5",
    "--trajectory=10",
    "--trajectory_sampling=log_uniform",
    "--num_tasks=4",
    "--num_validation_tasks=2",
    "--validate_every=10",
    "--checkpoint_every=5",
    "--nojit_compile",
)


def ports(count):
    """Free ports of this machine."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    found = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return found


def start(output, workers, *arguments):
    """The processes of one run; `workers`: how many, 0 for a run without TF_CONFIG."""
    strategy = ["--strategy=multi_worker"] if workers else []
    command = [sys.executable, "-m", "l2l_tf.cli.train", *COMMON, *arguments, *strategy]
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports(workers)]}
    processes = []
    for index in range(workers or 1):
        config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
        environment.pop("TF_CONFIG", None)
        if workers:
            environment["TF_CONFIG"] = json.dumps(config)
        processes.append(
            subprocess.Popen(
                [*command, f"--output_dir={output}"],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    return processes


def ended(processes):
    """Exit codes and texts of all processes."""
    try:
        texts = [process.communicate(timeout=MOST_SECONDS)[0] for process in processes]
    finally:
        for process in processes:  # None outlives a test that fails.
            process.kill()
    return [process.returncode for process in processes], texts


def meta_params(output):
    _, arrays, _ = checkpoint.newest_checkpoint(output / "checkpoints")
    return {n: v for n, v in arrays.items() if n.startswith(("meta_params/", "best/"))}


@pytest.mark.parametrize(
    ("workers", "estimator", "rule"),
    [
        (2, "bptt", "rnnprop(hidden_size=4,layers=1)"),
        (4, "bptt", "lstm(hidden_size=4)"),
        (2, "pes", "spectral(hidden_size=4)"),
    ],
)
def test_workers_learn_what_one_process_learns(workers, estimator, rule, tmp_path):
    arguments = [f"--estimator={estimator}", f"--rule={rule}", "--meta_steps=20"]
    codes, texts = ended(start(tmp_path / "alone", 0, *arguments))
    assert codes == [0], texts[0]
    codes, texts = ended(start(tmp_path / "spread", workers, *arguments))
    assert codes == [0] * workers, "\n".join(texts)
    expected, found = meta_params(tmp_path / "alone"), meta_params(tmp_path / "spread")
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-5, err_msg=name)
    assert presets.load_preset(tmp_path / "spread" / "preset").meta_params


def test_a_signal_to_one_worker_stops_all_with_a_checkpoint_and_the_run_goes_on(tmp_path):
    rule = "--rule=rnnprop(hidden_size=4,layers=1)"
    processes = start(tmp_path / "run", 2, rule, "--meta_steps=100000")
    while checkpoint.newest_checkpoint(tmp_path / "run" / "checkpoints") is None:
        assert all(process.poll() is None for process in processes), ended(processes)
        time.sleep(0.1)
    processes[1].send_signal(signal.SIGTERM)
    codes, texts = ended(processes)
    assert codes == [143, 143], "\n".join(texts)
    step, _, _ = checkpoint.newest_checkpoint(tmp_path / "run" / "checkpoints")
    assert f"Interrupted at meta-step {step}" in texts[0]
    processes = start(tmp_path / "run", 2, rule, "--meta_steps=100000", "--resume")
    while checkpoint.newest_checkpoint(tmp_path / "run" / "checkpoints")[0] <= step:
        assert all(process.poll() is None for process in processes), ended(processes)
        time.sleep(0.1)
    processes[0].send_signal(signal.SIGTERM)
    codes, texts = ended(processes)
    assert codes == [143, 143], "\n".join(texts)
    assert f"Going on from the checkpoint of meta-step {step}." in texts[1]


def test_a_worker_that_is_killed_takes_the_others_with_it_and_the_run_goes_on(tmp_path):
    rule = "--rule=rnnprop(hidden_size=4,layers=1)"
    processes = start(tmp_path / "run", 2, rule, "--meta_steps=100000")
    while checkpoint.newest_checkpoint(tmp_path / "run" / "checkpoints") is None:
        assert all(process.poll() is None for process in processes), ended(processes)
        time.sleep(0.1)
    processes[1].kill()
    codes, texts = ended(processes)
    assert codes[1] == -signal.SIGKILL and codes[0] != 0, "\n".join(texts)
    step, _, _ = checkpoint.newest_checkpoint(tmp_path / "run" / "checkpoints")
    done = start(tmp_path / "run", 2, rule, "--meta_steps=100000", "--resume")
    while checkpoint.newest_checkpoint(tmp_path / "run" / "checkpoints")[0] <= step:
        assert all(process.poll() is None for process in done), ended(done)
        time.sleep(0.1)
    done[0].send_signal(signal.SIGTERM)
    codes, texts = ended(done)
    assert codes == [143, 143], "\n".join(texts)
    assert f"Going on from the checkpoint of meta-step {step}." in texts[0]
