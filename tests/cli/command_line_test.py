"""What all commands have in common."""

import errno
import os
import re
import subprocess
import sys
import warnings

import pytest
from helpers import small_packages

from l2l_tf import evaluation, tasks
from l2l_tf.cli import command_line, convert, demo, evaluate, export, presets, search, train
from l2l_tf.meta import checkpoint
from l2l_tf.meta.estimators import ESTIMATORS

COMMANDS = [convert, demo, evaluate, export, presets, search, train]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.__name__.rpartition(".")[2])
def test_help_has_an_example_and_every_flag_once_within_100_columns(command, capsys):
    assert command.run(["--help"]) == 0
    text = capsys.readouterr().out
    program = f"l2l-{command.__name__.rpartition('.')[2]}"
    assert text.startswith(f"{program}: ")
    assert re.search(rf"^    {program}\b", text, re.MULTILINE)
    listed = re.findall(r"^  --(\w+)(?:, --no\w+)?$", text, re.MULTILINE)
    assert sorted(listed) == sorted(command.FLAGS)
    switches = re.findall(r"^  --(\w+), --no\1$", text, re.MULTILINE)
    assert set(switches) == {name for name in command.FLAGS if command.FLAGS[name].boolean}
    assert max(map(len, text.splitlines())) <= 100
    assert "repeat this option" not in text and "Exit codes: 0 done" in text


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.__name__.rpartition(".")[2])
def test_help_is_in_groups_and_what_all_commands_have_comes_last(command, capsys):
    command.run(["--help"])
    text = capsys.readouterr().out
    headings = re.findall(r"^(\S.*):\n  --", text, re.MULTILINE)
    assert len(headings) > 1 and headings[-1] == "More"
    assert "  --import\n" in text.partition("More:")[2]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.__name__.rpartition(".")[2])
def test_examples_in_help_are_flags_that_are_there(command, capsys):
    command.run(["--help"])
    text = capsys.readouterr().out.partition("Exit codes")[0]
    examples = re.search(r"Examples:\n\n((?:    .*\n)+)", text).group(1)
    assert set(re.findall(r" --(\w+)", examples)) <= set(command.FLAGS)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.__name__.rpartition(".")[2])
def test_a_newcomer_reads_what_is_needed_and_what_may_be_named(command, capsys):
    command.run(["--help"])
    text = capsys.readouterr().out
    if "output_dir" in command.FLAGS and command is not demo:
        assert "needs" in text.partition("Examples:")[0]
    if "task" in command.FLAGS:
        known = re.search(r"^Tasks: ((?:.|\n    )*)\.$", text, re.MULTILINE).group(1)
        assert re.split(r",\s+", known) == tasks.names()
    if "baselines" in command.FLAGS:
        known = re.search(r"^Baselines: ((?:.|\n    )*)\.$", text, re.MULTILINE).group(1)
        assert re.split(r",\s+", known) == evaluation.baselines.names()
    if "estimator" in command.FLAGS:
        assert all(f"\n    {name}: " in text for name in ESTIMATORS.names())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.__name__.rpartition(".")[2])
def test_what_is_no_flag_is_refused_in_one_line(command, capsys):
    assert command.run(["stray"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.endswith("Received: stray\n")


def test_a_reader_that_has_seen_enough_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-u", "-m", "l2l_tf.cli.presets", "--names"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "wrong, said",
    [
        ("--nolog_loss=3", "--nolog_loss takes no value; --log_loss takes true or false."),
        ("--flagfile=missing", "--flagfile is a file of flags, one a line (No such file or direct"),
        ("--flagfile", "--flagfile with no argument."),
        ("--helpxml", "Unknown flag; --help lists them."),
        ("--import=./mine.py", "as in Python, without a path or an ending, such as --import=mine."),
        ("--import=mine.py", "as in Python, without a path or an ending, such as --import=mine."),
        ("--import=", "as in Python, without a path or an ending."),
    ],
)
def test_flags_of_the_parser_and_modules_are_refused_in_one_line_too(wrong, said, capsys):
    assert train.run([wrong]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and said in error and error.endswith(f"Received: {wrong}\n")


@pytest.mark.parametrize("command", [evaluate, export, search, train], ids=lambda c: c.__name__)
def test_a_directory_that_cannot_be_written_is_refused_before_any_work(
    command, tmp_path, monkeypatch, capsys
):
    """A file system that is mounted to be read, to root too."""
    monkeypatch.setattr(command_line.os, "access", lambda path, mode: False)
    output = tmp_path / "runs" / "first"
    needed = {evaluate: ["--task=quadratic", "--preset=lstm-digits"], export: []}
    arguments = needed.get(command, ["--task=quadratic"])
    assert command.run([*arguments, f"--output_dir={output}"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert f"({tmp_path} cannot be written)" in line
    assert line.endswith(f"Received: --output_dir={output}")


@pytest.mark.parametrize("command", [evaluate, search, train], ids=lambda c: c.__name__)
@pytest.mark.parametrize("what", ["missing", "damaged"])
def test_data_that_cannot_be_read_is_one_line_before_any_work(
    command, what, tmp_path, monkeypatch, capsys
):
    datasets, output = tmp_path / "datasets", tmp_path / "runs" / "first"
    monkeypatch.setenv("TFDS_DATA_DIR", str(datasets))
    if what == "damaged":
        small_packages.prepare_mnist(datasets, monkeypatch)
        (file,) = datasets.glob("mnist/*/mnist-train.tfrecord*")
        file.write_bytes(file.read_bytes()[:-100])
        capsys.readouterr()
    needed = ["--preset=lstm-mnist"] if command is evaluate else []
    assert command.run(["--task=mnist_mlp", *needed, f"--output_dir={output}"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    said = {"missing": "The dataset 'mnist' is not in ", "damaged": "Files of a data set are dam"}
    assert f": {said[what]}" in line and "Received: " in line
    assert not output.exists()


def test_an_error_of_the_system_in_the_midst_of_work_is_one_line(capsys):
    def full(argv):
        raise OSError(errno.ENOSPC, "No space left on device", "runs/search.csv")

    assert command_line.run_command("l2l-any", "", command_line.command_flags(), full, []) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line == "l2l-any: No space left on device. Received: runs/search.csv"


def test_an_error_of_the_system_that_a_command_tells_of_is_the_same_line(
    tmp_path, monkeypatch, capsys
):
    def full(directory, *arguments):
        raise OSError(errno.ENOSPC, "No space left on device", f"{directory}/weights.npz")

    monkeypatch.setattr(convert.presets, "save_preset", full)
    monkeypatch.setattr(convert, "read_arrays", lambda path: {})
    monkeypatch.setattr(convert, "rule_from_published_weights", lambda *arguments: None)
    flags = ["--source=celo", "--weights=w.npz", f"--output={tmp_path}/new"]
    assert convert.run(flags) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line == f"l2l-convert: No space left on device. Received: {tmp_path}/new/weights.npz"


def test_a_warning_of_the_package_is_one_line_and_of_others_says_where():
    def warned(argv):
        for module in (checkpoint, command_line.flags):
            where = (module.__file__, 1)
            said[module] = warnings.formatwarning("It is damaged.", UserWarning, *where)
        return 0

    said, before = {}, warnings.formatwarning
    assert command_line.run_command("l2l-any", "", command_line.command_flags(), warned, []) == 0
    assert said[checkpoint] == "l2l-any: It is damaged.\n"
    assert f"{command_line.flags.__file__}:1: UserWarning: It is" in said[command_line.flags]
    assert warnings.formatwarning is before
