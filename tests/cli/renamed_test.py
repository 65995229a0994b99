"""Flags of an earlier time are an error that names those of today."""

import pytest

from l2l_tf.cli import evaluate, search, train
from l2l_tf.core import renamed


@pytest.mark.parametrize("old", sorted(renamed.FLAGS))
def test_a_renamed_flag_is_named(old, capsys):
    now, asked = renamed.FLAGS[old], 0
    for command in (train, search, evaluate):
        assert old not in command.FLAGS
        if now in command.FLAGS:
            assert command.run([f"--{old}=1"]) == 2
            error = capsys.readouterr().err
            assert error.endswith(f": --{old} is --{now} now. Received: --{old}=1\n")
            asked += 1
    assert asked


def test_a_renamed_switch_is_named_when_it_is_off_too(capsys):
    assert evaluate.run(["--notell_steps"]) == 2
    assert "--notell_steps is --known_horizon now" in capsys.readouterr().err
