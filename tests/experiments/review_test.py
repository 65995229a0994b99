"""The reviewer's experiments: what their tables say of runs that are known."""

import csv
import importlib.util
import pathlib
import re
import shlex

import numpy as np
import pytest

from experiments import meta_trainings, review
from experiments.estimators import training
from experiments.lazy import run as lazy
from experiments.meta_optimizers import run as meta_optimizers
from experiments.paper import train, transfer
from experiments.pieces import Pieces
from experiments.refresh import run as refresh

ROOT = pathlib.Path(__file__).parents[2]


def read(path):
    """Dict problem → meta-optimizer → `(rate, runs, grid)`, out of the committed records."""
    found = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            scores = [float(score) for score in row["scores"].split()]
            of = found.setdefault(row["problem"], {}).setdefault(
                row["meta_optimizer"], [None, {}, {}]
            )
            rate, seed = float(row["rate"]), int(row["seed"])
            if seed in meta_trainings.CHOOSING_SEEDS:
                of[2].setdefault(rate, []).append(scores)
            else:
                of[0], of[1][seed] = rate, scores
    return {
        problem: {n: (rate, [*r.values()], [*g.values()]) for n, (rate, r, g) in of.items()}
        for problem, of in found.items()
    }


@pytest.mark.parametrize("report", ["meta_optimizers", "digits", "shipped"])
def test_the_page_and_the_table_of_meta_optimizers_say_what_the_records_say(report):
    results = ROOT / "experiments" / "meta_optimizers" / "results"
    page = (ROOT / "docs" / "review.md").read_text("utf-8")
    table = (results / f"{report}.md").read_text("utf-8")
    for found in read(results / f"{report}.csv").values():
        for row in meta_optimizers.rows(found):
            line = f"| {' | '.join(row)} |"
            assert line in page and line in table, line


@pytest.mark.parametrize(
    "table",
    [
        "cost/results/cost.md",
        "estimators/results/training.md",
        "estimators/results/mnist.md",
        "lazy/results/digits.md",
        "lazy/results/mnist.md",
        "refresh/results/refresh.md",
        "sizes/results/sizes.md",
        "structures/results/structures.md",
    ],
)
def test_the_page_has_the_rows_of_the_tables(table):
    page = (ROOT / "docs" / "review.md").read_text("utf-8")
    lines = (ROOT / "experiments" / table).read_text("utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) > 5
    for row in rows:
        assert row in page, row


def test_what_is_owed_is_meta_trained_by_commands_that_are_there():
    for name, row in review.LARGER.items():
        assert name in train.COMMANDS and transfer.ROWS[row] == name
    assert review.ART in train.COMMANDS and (ROOT / review.ART_BESIDE).is_file()


def test_every_experiment_is_a_module_that_is_there():
    for commands in review.EXPERIMENTS.values():
        for module, *_ in commands:
            assert importlib.util.find_spec(module), module


def test_every_command_of_the_page_is_run_with_the_others():
    page = (ROOT / "docs" / "review.md").read_text("utf-8")
    told = re.findall(r"^ *python -m (experiments\..*)$", page, re.MULTILINE)
    ran = {shlex.join(command) for of in review.EXPERIMENTS.values() for command in of}
    assert len(told) > 10 and [c for c in told if shlex.join(shlex.split(c)) not in ran] == []


def test_an_experiment_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(review, "FLAGS", type("F", (), {"only": ["nothing"], "plan": False}))
    with pytest.raises(SystemExit, match=r"Received: \['nothing'\]"):
        review.main([])


def test_one_that_fails_keeps_none_from_running_and_is_named(monkeypatch):
    ran = []

    def run(command):
        ran.append(command[2])
        return type("Done", (), {"returncode": int("--nets=mnist" in command)})

    monkeypatch.setattr(review, "FLAGS", type("F", (), {"only": [], "plan": False}))
    monkeypatch.setattr(review.subprocess, "run", run)
    with pytest.raises(
        SystemExit, match="These failed.*: experiments.lazy.run --nets=mnist --seeds=1$"
    ):
        review.main([])
    assert ran == [module for of in review.EXPERIMENTS.values() for module, *_ in of]


def test_the_plan_is_printed_and_nothing_is_run(monkeypatch, capsys):
    monkeypatch.setattr(review, "FLAGS", type("F", (), {"only": ["sizes"], "plan": True}))
    monkeypatch.setattr(review.subprocess, "run", None)
    review.main([])
    assert capsys.readouterr().out.splitlines() == [
        f"sizes: python -m {shlex.join(command)}" for command in review.EXPERIMENTS["sizes"]
    ]


def test_a_run_that_loses_half_of_what_it_gained_went_astray():
    assert meta_optimizers.gone_astray([1.0, 0.0, 0.6])
    assert meta_optimizers.gone_astray([1.0, 0.0, np.inf])
    assert meta_optimizers.gone_astray([1.0, 1.5, 2.0])
    assert not meta_optimizers.gone_astray([1.0, 0.0, 0.4])


def test_adam_is_beside_every_meta_optimizer_that_is_asked_for():
    assert list(meta_optimizers.grids_of(["self"])) == ["adam", "self"]
    with pytest.raises(ValueError, match="Received: \\['rmsprop'\\]"):
        meta_optimizers.grids_of(["rmsprop"])


def test_meta_steps_to_a_goal_are_those_of_the_first_validation_there():
    scores = [1.0, 0.5, 0.2, 0.3]
    assert meta_optimizers.meta_steps_to(scores, 0.3) == 2 * meta_optimizers.EVERY
    assert meta_optimizers.meta_steps_to(scores, 0.1) is None


def test_a_rate_that_fails_on_one_of_the_seeds_is_not_chosen():
    grid = {0.1: [[2.0, -1.0], [2.0, -1.0]], 0.3: [[2.0, -1.2], [2.0]]}
    assert meta_trainings.chosen(grid) == 0.1


def test_the_goal_of_a_meta_optimizer_is_what_adam_kept(tmp_path):
    found = {
        "adam": (0.01, [[2.0, 1.0], [2.0, 0.0]], [[[2.0, 1.0], [2.0, 1.5]]]),
        "self": (0.3, [[2.0, 0.5, 1.9]], [[[2.0, 1.5, 1.6]]]),
    }
    _, mine = meta_optimizers.rows(found)
    assert mine == ["`self`", "0.3", "0.50 (0.50 to 0.50)", "20", "1 of 2"]
    meta_optimizers.draw({"quadratics": found}, tmp_path / "a.png")
    assert (tmp_path / "a.png").is_file()


def test_estimators_are_told_by_their_share_of_what_bptt_gains(tmp_path):
    def of(scores):
        runs = {1: scores, 2: scores}
        return {"seconds": 0.1, "meta_steps": 8, "rate": 0.01, "grid": runs, "runs": runs}

    found = {"BPTT": of([3.0, 1.0]), "ES": of([3.0, 2.5, 2.8])}
    assert training.rows(found, 16)[1][-2:] == ["2.50 (2.50 to 2.50)", "25 %"]
    assert training.rows(found, 16)[1][4] == 8 * training.UNROLL * 16
    assert len(training.records("quadratics", found)) == 8
    training.draw({"quadratics": found}, tmp_path / "a.png")
    assert (tmp_path / "a.png").is_file()


def test_what_is_saved_is_told_beside_what_is_learned(tmp_path):
    always = {"scores": [3.0, 1.0], "at": [0.0, 10.0], "refreshed": 1.0}
    growing = {"scores": [3.0, 1.5], "at": [0.0, 4.0], "refreshed": 0.25}
    found = {"always": (0.01, [always]), "growing": (0.03, [growing])}
    assert refresh.rows(found)[1] == ["growing", "0.03", "25 %", "60 %", "1.50 (1.50 to 1.50)",
                                      "75 %"]  # fmt: skip
    refresh.draw({"quadratics": found}, tmp_path / "a.png")
    assert (tmp_path / "a.png").is_file()


def test_rates_of_schedules_are_chosen_on_two_seeds_and_others_are_reported():
    class Known:
        """Runs that get to -1 times the rate, but for one of the seeds that choose at 0.1."""

        def found(self, schedule, rate, seed):
            lost = schedule == "plateau" and (rate, seed) == (0.1, meta_trainings.CHOOSING_SEEDS[1])
            return {"scores": [1.0, 1.0 if lost else -rate], "seed": seed}

    found = refresh.problem_of(Known(), 2)
    assert {name: rate for name, (rate, _) in found.items()} == {
        "always": 0.1,
        "growing": 0.1,
        "plateau": 0.03,
    }
    assert [run["seed"] for run in found["plateau"][1]] == [1, 2]


def test_what_is_on_disk_is_asked_for_by_all_that_a_run_depends_on():
    class Disk:
        asked = []

        def value(self, name, key, compute):
            self.asked.append((name, key))
            return {"per_meta_step": 0.5}

    disk, rule = Disk(), "rnnprop"
    meta_optimizers.Runs("digits", rule, 20, disk).scores("preset:lstm-digits", 0.3, 1)
    refresh.Runs("digits", rule, 20, disk).found("growing", 0.3, 1)
    runs = training.Runs("digits", "ES", rule, 16.0, disk)
    runs.scores(0.3, 1)
    about = [meta_optimizers.PROBLEMS["digits"], refresh.PROBLEMS["digits"]]
    estimator = ["digits", training.PROBLEMS["digits"], repr(runs.estimator), rule]
    assert disk.asked == [
        ("digits-lstm-digits", ["digits", about[0], rule, 20, "preset:lstm-digits", 0.3, 1]),
        ("digits-growing", ["digits", about[1], rule, 20, 10, 200, 25, "growing", 0.3, 1]),
        ("digits-seconds", estimator),
        ("digits-ES", [*estimator, 32, 0.3, 1]),
    ]
    assert runs.estimator.num_tasks == 2 and "trainer" not in vars(runs)


def test_what_is_saved_is_told_beside_the_loss_at_every_step(tmp_path):
    def run(loss):
        return {"end": loss, "along": 2 * loss, "held-out loss": 3 * loss, "accuracy": 0.5}

    found = {lazy.ADAM: run(4.0), lazy.EVERY_STEP: run(1.0), "every 4, last": run(2.0)}
    cost = {lazy.ADAM: 1e-3, lazy.EVERY_STEP: 4e-3, "every 4, last": 2e-3}
    header, table = lazy.tabled(found, cost)
    assert len(header) == len(table[0]) == 8
    assert table[2] == ["every 4, last", "2", "4", "2.000", "6", "0.5", "2.00", "50 %"]
    assert table[0][-1] == "75 %"
    points = lazy.points_of(found, cost)
    assert points == {lazy.EVERY_STEP: (0.0, 1.0), "every 4, last": (0.5, 2.0)}
    lazy.draw({"digits": points}, tmp_path / "a.png")
    assert (tmp_path / "a.png").is_file()


def test_ways_to_work_less_often_are_chosen_by_name():
    assert list(lazy.chosen("lstm-digits", ["every 8, last"])) == [lazy.EVERY_STEP, "every 8, last"]
    assert len(lazy.chosen("spectral-general", [])) == 14
    with pytest.raises(ValueError, match="Received: \\['every 3'\\]"):
        lazy.chosen("lstm-digits", ["every 3"])


@pytest.mark.slow
def test_runs_go_through_one_trainer_and_are_kept(tmp_path):
    pieces = Pieces(tmp_path)
    runs = meta_optimizers.Runs("quadratics", "rnnprop(hidden_size=2,layers=1)", 20, pieces)
    first = runs.scores("self", 0.3, 1)
    trainer = runs.trainer
    assert len(first) == 2 and runs.scores("adam", 0.01, 1)[0] == first[0]
    assert runs.trainer is trainer
    again = meta_optimizers.Runs("quadratics", "rnnprop(hidden_size=2,layers=1)", 20, pieces)
    assert again.scores("self", 0.3, 1) == first and "trainer" not in vars(again)
