"""Runs of `l2l-train` that are killed, stopped, or find no room: nothing is lost."""

import errno
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from l2l_tf.cli import train
from l2l_tf.core import files
from l2l_tf.meta import checkpoint

ROOT = pathlib.Path(__file__).parents[2]
FLAGS = (
    "--task=quadratic(dimension=3)",
    "--rule=rnnprop(hidden_size=3,layers=1)",
    "--unroll=2",
    "--trajectory=4",
    "--num_tasks=2",
    "--num_validation_tasks=2",
    "--validate_every=7",
    "--checkpoint_every=3",
    "--ema_decay=0.9",
    "--meta_steps=100000",
    "--nojit_compile",
)
# Steps an uninterrupted run so far, and writes what it then is.
WHOLE = """
import sys
from l2l_tf.cli import train
from l2l_tf.meta import run
def steps(argv):
    trainer = run.build(train.FLAGS)
    for _ in range(int(sys.argv[1])):
        trainer.step()
    trainer.save(sys.argv[2])
    return 0
sys.exit(train.run_command("l2l-train", "", train.FLAGS, steps, sys.argv[3:]))
"""


def start(*command):
    """A process on one thread, whose sums are the same to the last bit each time."""
    threads = {f"TF_NUM_{kind}OP_THREADS": "1" for kind in ("INTRA", "INTER")}
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **threads, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def start_run(output):
    return start("-m", "l2l_tf.cli.train", *FLAGS, f"--output_dir={output}", "--resume")


def newest(output):
    found = checkpoint.newest_checkpoint(output / "checkpoints")
    return 0 if found is None else found[0]


def wait_beyond(step, process, output):
    """Wait for a checkpoint of a later step."""
    while newest(output) <= step:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)


def same_arrays(found, expected):
    """Compare all that decides how a run goes on."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if not name.startswith("best/"):  # Of the validations, which the other did not have.
            np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_moments_a_run_ends_where_it_would_have_ended(kills, tmp_path):
    output, draw = tmp_path / "run", random.Random(kills)
    for number in range(kills):
        process, before = start_run(output), newest(output)
        if number % 4 == 3:  # At any moment, while it starts or reads the checkpoint too.
            time.sleep(draw.uniform(0.0, 12.0))
        else:
            wait_beyond(before, process, output)
            time.sleep(draw.uniform(0.0, 0.3))
        process.kill()
        said, _ = process.communicate()
        assert process.returncode == -signal.SIGKILL, said
    process, before = start_run(output), newest(output)
    wait_beyond(before, process, output)
    process.terminate()
    said, _ = process.communicate()
    assert process.returncode == 143, said
    assert f"Going on from the checkpoint of meta-step {before}." in said
    step, arrays, _ = checkpoint.newest_checkpoint(output / "checkpoints")
    assert f"Interrupted at meta-step {step}; go on with --resume." in said
    assert not list((output / "checkpoints").glob(".*")), "left by a process that was killed"
    whole = start("-c", WHOLE, str(step), str(tmp_path / "whole"), *FLAGS)
    said, _ = whole.communicate()
    assert whole.returncode == 0, said
    same_arrays(arrays, checkpoint.newest_checkpoint(tmp_path / "whole")[1])


def test_what_killed_processes_had_begun_to_write_is_removed(tmp_path):
    output = tmp_path / "run"
    half, kept = output / "checkpoints" / ".checkpoint-000000003.npz.17.partial", output / ".mine"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half of it")
    kept.write_text("not ours")
    (output / ".preset.abc" / "old").mkdir(parents=True)
    short = [flag for flag in FLAGS if "meta_steps" not in flag]
    assert train.run([*short, "--meta_steps=3", f"--output_dir={output}", "--resume"]) == 0
    assert not half.exists() and not (output / ".preset.abc").exists() and kept.exists()
    assert (output / "preset").is_dir() and newest(output) == 3


def test_no_room_is_an_error_in_one_line_and_damages_nothing(tmp_path, monkeypatch, capsys):
    output = tmp_path / "run"
    short = [flag for flag in FLAGS if "meta_steps" not in flag]
    assert train.run([*short, "--meta_steps=6", f"--output_dir={output}"]) == 0
    before = {p: p.read_bytes() for p in (output / "checkpoints").iterdir()}
    for path in (output / "preset").iterdir():
        path.unlink()
    (output / "preset").rmdir()
    fsync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 2:  # The probe before the run still fits; a checksum does no more.
            raise OSError(errno.ENOSPC, "No space left on device")
        return fsync(descriptor)

    again = [*short, "--meta_steps=6", f"--output_dir={tmp_path / 'other'}"]
    monkeypatch.setattr(files.os, "fsync", full)
    assert train.run(again) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("l2l-train: ") and "No space left on device" in said
    assert said.endswith(f"Received: --output_dir={tmp_path / 'other'}")
    assert not list((tmp_path / "other" / "checkpoints").iterdir())
    assert {p: p.read_bytes() for p in (output / "checkpoints").iterdir()} == before


@pytest.mark.slow
def test_no_room_for_summaries_is_an_error_in_one_line_too(tmp_path):
    """Files of 40,000 bytes at most, as the system itself limits them: checkpoints are smaller."""
    limit = "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)); "
    limited = f"{limit}runpy.run_module('l2l_tf.cli.train', run_name='__main__')"
    process = start("-c", limited, *FLAGS, f"--output_dir={tmp_path / 'run'}")
    said, _ = process.communicate()
    assert process.returncode == 2, said
    last = said.strip().splitlines()[-1]
    assert last.startswith("l2l-train: ") and "summaries" in last and "File too large" in last
    assert "Traceback" not in said and newest(tmp_path / "run") > 0


def test_a_directory_that_cannot_be_written_is_refused_before_any_work(
    tmp_path, monkeypatch, capsys
):
    def refused(path, content):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("l2l_tf.meta.run.write_whole", refused)
    monkeypatch.setattr(train.meta_run_module().Trainer, "step", lambda self: 1 / 0)
    assert train.run([*FLAGS, f"--output_dir={tmp_path / 'run'}"]) == 2
    assert "Permission denied" in capsys.readouterr().err


def test_the_checkpoint_of_the_best_validation_is_kept(tmp_path):
    for step in range(6):
        checkpoint.save_checkpoint(tmp_path, step, {"a": np.ones(2)}, {}, keep=2, best=1)
    kept = sorted(path.stem[-1] for path in tmp_path.glob("*.npz"))
    assert kept == ["1", "4", "5"]
