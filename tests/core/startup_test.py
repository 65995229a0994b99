"""A command that lacks TensorFlow says so."""

import os
import subprocess
import sys

import pytest


def without_tensorflow(*arguments, **environment):
    """A command in a process that cannot import TensorFlow."""
    code = (
        f"import sys; sys.modules['tensorflow'] = None; sys.argv = {list(arguments)!r}; "
        "import l2l_tf; print('imported')"
    )
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | environment
    )


@pytest.mark.parametrize(
    "command, needed, extra",
    [
        ("train", "", "train"),
        ("evaluate", "", "train,plots"),
        ("presets", ", or KERAS_BACKEND=jax or torch", "tensorflow"),
    ],
)
def test_without_tensorflow_a_command_names_what_to_install(command, needed, extra):
    done = without_tensorflow(f"/bin/l2l-{command}", KERAS_BACKEND="tensorflow")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"l2l-{command}: TensorFlow is needed{needed}: pip install 'l2l-tf[{extra}]'. "
        "Received: an environment without it\n"
    )


def test_help_needs_no_tensorflow():
    done = without_tensorflow("/bin/l2l-train", "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith("l2l-train: ") and "--task\n" in done.stdout
