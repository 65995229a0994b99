"""`l2l-evaluate` from its flags to its files."""

import csv
import dataclasses
import importlib
import json

import pytest

from l2l_tf import evaluation
from l2l_tf.cli import cost_files
from l2l_tf.cli import evaluate as module


@pytest.fixture
def command():
    """Runs the command in this process, with flags of its own each time."""

    def run(*arguments):
        return importlib.reload(module).run(arguments)

    return run


def small(output, *more):
    return (
        "--task=digits_mlp(hidden=4,batch_size=16)",
        f"--output_dir={output}",
        "--steps=3",
        "--seeds=2",
        "--grid_seeds=1",
        "--grid_low=1e-2",
        "--grid_per_decade=1",
        "--grid_extend=1",
        "--nojit_compile",
        *more,
    )


def test_the_command_prints_a_table_and_writes_its_files(
    command, preset_directory, tmp_path, capsys
):
    output = tmp_path / "evaluated"
    assert command(*small(output, f"--preset={preset_directory}", "--baselines=adam,rprop")) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("small-lstm", "adam", "rprop", "held-out"))
    names = {path.name for path in output.iterdir()}
    assert names == {"results.csv", "results.json", "curves.png", "runs"}
    content = json.loads((output / "results.json").read_text())
    assert content["settings"]["steps"] == 3 and content["cpu"] and content["date"]
    with open(output / "results.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 3 * 2 * 4


def test_a_page_for_the_browser_is_written_at_once_or_from_earlier_results(
    command, tmp_path, capsys
):
    evaluated, later = tmp_path / "evaluated", tmp_path / "later"
    assert command(*small(evaluated, "--baselines=adam", "--html")) == 0
    assert "page.html are in" in capsys.readouterr().out
    results = f"--results={evaluated / 'results.json'}"
    assert command(results, f"--output_dir={later}") == 0
    assert (later / "page.html").stat().st_size == (evaluated / "page.html").stat().st_size
    assert command(results, results, f"--output_dir={later}") == 2
    assert "adam on digits_mlp(hidden=4,batch_size=16) twice" in capsys.readouterr().err
    assert command(results) == 2
    assert "--output_dir is needed" in capsys.readouterr().err


def test_the_cost_report_is_printed_and_written_at_once_or_from_earlier_results(
    command, tmp_path, capsys, monkeypatch
):
    evaluated, later = tmp_path / "evaluated", tmp_path / "later"
    assert command(*small(evaluated, "--baselines=adam,sgd", "--report=cost")) == 0
    printed = capsys.readouterr().out
    assert "when a step pays back" in printed and "cost.csv are in" in printed
    assert "in seconds" in printed and max(map(len, printed.splitlines()[:-1])) <= 100
    with open(evaluated / "cost.csv", newline="") as file:
        rows = {row["optimizer"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"adam", "sgd"} and float(rows["adam"]["break_even"]) == 1.0

    def refused(*_, **__):
        raise AssertionError("a run")

    monkeypatch.setattr(evaluation, "evaluate", refused)
    results = f"--results={evaluated / 'results.json'}"
    assert command(results, f"--output_dir={later}", "--report=cost") == 0
    assert (later / "cost.csv").read_text() == (evaluated / "cost.csv").read_text()
    assert "cost.csv are in" in capsys.readouterr().out


def test_the_cost_report_of_a_suite_is_over_its_tasks(tmp_path, capsys):
    results = evaluation.evaluate(
        "quadratic(dimension=2)", ["adam_default"], steps=2, seeds=1, records=2
    )
    of_adam = [dataclasses.replace(r, optimizer="adam") for r in results.records]
    results.contestants.append(evaluation.Contestant(results.tasks[0], "adam", False))
    results = dataclasses.replace(results, settings={"suite": "general"})
    results.records.extend(of_adam)
    assert cost_files.written("cost", results, tmp_path) == ["cost.csv"]
    printed = capsys.readouterr().out
    assert "quicker on" in printed and "0 of 1" in printed
    assert cost_files.written(None, results, tmp_path) == []


def test_a_cost_report_of_results_without_adam_is_an_error(command, tmp_path, capsys):
    assert command(*small(tmp_path / "evaluated", "--baselines=sgd")) == 0
    results = f"--results={tmp_path / 'evaluated' / 'results.json'}"
    assert command(results, f"--output_dir={tmp_path / 'later'}", "--report=cost") == 2
    assert "Received: ['sgd'] on digits_mlp" in capsys.readouterr().err


@pytest.mark.slow
def test_an_interrupted_evaluation_goes_on_with_its_tuning(command, tmp_path, monkeypatch, capsys):
    from l2l_tf.evaluation.runner import Runner

    original, runs = Runner.run, []

    def interrupted(self, stream, index, *arguments, **others):
        if len(runs) == 2:
            raise KeyboardInterrupt
        runs.append(stream)
        return original(self, stream, index, *arguments, **others)

    monkeypatch.setattr(Runner, "run", interrupted)
    assert command(*small(tmp_path, "--baselines=sgd")) == 130
    assert "Interrupted" in capsys.readouterr().out
    (cache,) = (tmp_path / "runs").iterdir()
    assert len(json.loads(cache.read_text())["runs"]) == 2
    monkeypatch.setattr(Runner, "run", original)
    assert command(*small(tmp_path, "--baselines=sgd")) == 0
    assert len(json.loads(cache.read_text())["runs"]) >= 3


@pytest.mark.parametrize(
    "arguments, received",
    [
        (["--output_dir=x"], "--task=None"),
        (["--task=quadratic"], "--output_dir=None"),
        (["--task=quadratic", "--output_dir=x", "--baselines="], "neither"),
        (["--task=quadratic", "--output_dir=x", "--baselines=best"], "baseline='best'"),
        (["--task=nothing", "--output_dir=x"], "task='nothing'"),
        (["--task=quadratic", "--output_dir=x", "--preset=no/such"], "no/such"),
        (["--task=quadratic", "--output_dir=x", "--preset=adam"], "--preset=adam"),
        (["--task=quadratic", "--output_dir=x", "--preset=lstm"], "--preset=lstm"),
        (["--suite=general", "--output_dir=x", "--preset=adam()"], "--preset=adam()"),
        (["--task=quadratic", "--output_dir=x", "--grid_low=-1"], "low=-1"),
        (["--task=quadratic", "--output_dir=x", "extra"], "extra"),
        (["--task=quadratic", "--output_dir=x", "--report=time"], "time"),
        (["--task=quadratic", "--output_dir=x", "--report=cost", "--baselines=sgd"], "sgd"),
        (["--suite=general", "--output_dir=x", "--report=cost", "--baselines=sgd"], "sgd"),
        (["--suite=general", "--output_dir=x", "--steps=5"], "--steps=5"),
        (["--suite=general", "--output_dir=x", "--nojit_compile"], "--jit_compile=False"),
        (["--suite=general", "--output_dir=x", "--report_rows=0"], "--report_rows=0"),
        (["--suite=general", "--output_dir=x", "--grid_low=2"], "low=2.0"),
        (["--task=quadratic", "--output_dir=x", "--seed=-1"], "seed=-1"),
    ],
)
def test_bad_flags_are_named(command, capsys, tmp_path, monkeypatch, arguments, received):
    monkeypatch.chdir(tmp_path)
    assert command(*arguments) == 2
    message = capsys.readouterr().err
    assert "l2l-evaluate: " in message
    assert received in message.rsplit("Received: ", 1)[1]
    assert not (tmp_path / "x").exists()


def test_the_default_baselines_of_the_command_are_those_of_the_package():
    assert tuple(module.FLAGS["baselines"].default) == evaluation.baselines.DEFAULT
