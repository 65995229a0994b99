"""A process is a command by how it was started."""

import subprocess
import sys

import pytest

from l2l_tf.core.started_as import command_of


@pytest.mark.parametrize(
    "arguments, original, command",
    [
        (["/usr/bin/l2l-train", "--task=quadratic"], ["python", "/usr/bin/l2l-train"], "train"),
        (["l2l-train.exe"], ["python", "l2l-train.exe"], "train"),
        (["l2l-search-script.py"], ["python", "l2l-search-script.py"], "search"),
        (["-m", "--task=quadratic"], ["python", "-m", "l2l_tf.cli.train"], "train"),
        (["-m"], ["python", "-X", "dev", "-Ium", "l2l_tf.cli.presets"], "presets"),
        (["-m"], ["python", "-ml2l_tf.cli.presets"], "presets"),
        (["-m", "pytest"], ["python", "-m", "pytest"], None),
        (["-m", "l2l_tf.cli.train"], ["python", "-m", "trace", "l2l_tf.cli.train"], None),
        (["-m"], ["python", "-m", "l2l_tf.cli.text_table"], None),
        (["train.py"], ["python", "train.py"], None),
        (["l2l-train.py", "--epochs=3"], ["python", "l2l-train.py", "--epochs=3"], None),
        (["l2l-mine", "--epochs=3"], ["python", "l2l-mine"], None),
        ([], ["python"], None),
    ],
)
def test_a_process_is_a_command_by_how_it_was_started(arguments, original, command):
    assert command_of(arguments, original) == command


def test_a_program_of_the_users_own_is_left_alone_whatever_it_is_called(tmp_path):
    program = tmp_path / "l2l-train.py"
    program.write_text(
        "import sys\nfrom l2l_tf.core import startup\nprint('went on with', *sys.argv[1:])\n"
    )
    command = [sys.executable, str(program), "--epochs=3"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "went on with --epochs=3\n"), done.stderr
