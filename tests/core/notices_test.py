"""Commands begin with their own first word."""

import os
import subprocess
import sys

import pytest

from l2l_tf.core import notices

# The module alone: the package would import TensorFlow, which has notices of its own.
WRITE = f"""
import os, runpy, sys
without_notices = runpy.run_path({notices.__file__!r})["without_notices"]
with without_notices():
    os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called\\n")
    os.write(2, b"I0000 00:00:1 1 port.cc:153] oneDNN custom operations are on.\\n")
    os.write(2, b"E0000 00:00:1 1 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA "
             b"error: Failed call to cuInit: UNKNOWN ERROR (303)\\n")
    os.write(2, b"E0000 00:00:1 1 cuda.cc:1] an error\\n")
    if "--abort" in sys.argv:
        os.abort()
os.write(2, b"I0000 00:00:1 1 after.cc:1] this comes later\\n")
"""


# The same beside a thread, which a fork would lack.
THREADED = "import threading\nthreading.Timer(0.5, int).start()\n" + WRITE


def written(*arguments, program=WRITE):
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True).stderr.splitlines()


def test_notices_are_left_out_and_errors_are_not():
    assert [line.split("] ")[-1] for line in written()] == ["an error", "this comes later"]


def test_errors_are_seen_even_if_the_process_is_aborted():
    assert "E0000 00:00:1 1 cuda.cc:1] an error" in written("--abort")


@pytest.mark.parametrize("arguments", [[], ["--abort"]])
def test_beside_threads_a_fresh_process_reads_along(arguments):
    lines = written(*arguments, program=f"import os\nos.fork = None\n{THREADED}")
    assert "E0000 00:00:1 1 cuda.cc:1] an error" in lines
    assert not any("oneDNN" in line for line in lines)


def stderr_of_presets(**environment):
    kept = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-m", "l2l_tf.cli.presets", "--names"]
    done = subprocess.run(command, capture_output=True, text=True, env=kept | environment)
    assert done.returncode == 0 and "lstm-digits\n" in done.stdout
    return done.stderr


def test_a_command_says_nothing_before_its_first_word():
    assert stderr_of_presets() == ""


@pytest.mark.slow
def test_a_log_level_of_the_users_own_counts():
    assert "oneDNN" in stderr_of_presets(TF_CPP_MIN_LOG_LEVEL="0")
