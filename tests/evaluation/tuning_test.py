"""Tuning: the grid, its edges, and what is remembered."""

import json
import math

import numpy as np
import pytest

from l2l_tf import tasks
from l2l_tf.evaluation import Grid, baselines, tuning
from l2l_tf.evaluation.finished_runs import FinishedRuns
from l2l_tf.evaluation.problem import Problem
from l2l_tf.evaluation.runner import Measurement

GRID = Grid(1e-3, 1.0, per_decade=1)


def tune(runner, *arguments, cache_dir=None):
    return tuning.tune(FinishedRuns(runner, cache_dir), *arguments)


class Bowl:
    """Stands in for a runner: the loss is `(log10 rate − log10 best)²`, without training."""

    def __init__(self, best, limit=math.inf, max_runs=math.inf):
        self.problem = Problem(tasks.DigitsMLP(hidden=2))
        self.contender = baselines.get("adam")
        self.steps = 3
        self.best, self.limit, self.max_runs = best, limit, max_runs
        self.tried = []

    def run(self, stream, index, rate=None, record_at=None, splits=()):
        assert stream == "tuning"
        if len(self.tried) >= self.max_runs:
            raise KeyboardInterrupt
        self.tried.append((rate, index))
        loss = (math.log10(rate) - math.log10(self.best)) ** 2 if rate < self.limit else math.inf
        shifted = {"train": loss, "validation": (math.log10(rate) + 1) ** 2}
        return [Measurement(3, 0.0, loss, {split: {"loss": shifted[split]} for split in splits})]


def test_the_default_grid_has_15_half_decades():
    grid = Grid()
    rates = [grid.rate(i) for i in grid.indices()]
    np.testing.assert_allclose(rates, np.logspace(-7, 0, 15), rtol=1e-5)


def test_the_best_rate_inside_the_grid_is_found():
    runner = Bowl(best=0.02)
    found = tune(runner, GRID, 2)
    assert found.rate == 0.01 and found.inside
    assert len(runner.tried) == 8
    assert found.losses[0.1] == pytest.approx(math.log10(5) ** 2)


@pytest.mark.parametrize("best", [1e-5, 1e2])
def test_the_grid_grows_while_the_best_rate_is_at_its_edge(best):
    found = tune(Bowl(best), GRID, 1)
    assert found.rate == pytest.approx(best) and found.inside


def test_a_best_rate_out_of_reach_is_marked():
    found = tune(Bowl(1e9), Grid(1e-3, 1.0, per_decade=1, extend=2), 1)
    assert found.rate == 100 and not found.inside
    assert not tune(Bowl(1.0), Grid(1e-3, 1.0, per_decade=1, extend=0), 1).inside


def test_rates_that_diverge_count_as_infinite():
    found = tune(Bowl(best=1.0, limit=0.5), GRID, 1)
    assert found.rate == 0.1 and found.inside
    assert found.losses[1.0] == math.inf


def test_held_out_tuning_looks_at_the_validation_split():
    assert tune(Bowl(best=1e-3), GRID, 1, "held_out_loss").rate == 0.1


def test_finished_runs_are_never_repeated(tmp_path):
    first = tune(Bowl(0.02, limit=0.5), GRID, 2, cache_dir=tmp_path)
    again = Bowl(0.02, limit=0.5)
    assert tune(again, GRID, 2, cache_dir=tmp_path) == first
    assert again.tried == []
    finer = Bowl(0.02, limit=0.5)
    tune(finer, Grid(1e-3, 1.0, per_decade=2), 2, cache_dir=tmp_path)
    assert {rate for rate, _ in finer.tried} == {0.00316228, 0.0316228, 0.316228}


def test_an_interrupted_tuning_keeps_what_was_finished(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        tune(Bowl(0.02, max_runs=5), GRID, 2, cache_dir=tmp_path)
    rest = Bowl(0.02)
    tune(rest, GRID, 2, cache_dir=tmp_path)
    assert len(rest.tried) == 3


def test_other_settings_have_a_cache_of_their_own(tmp_path):
    tune(Bowl(0.02), GRID, 1, cache_dir=tmp_path)
    longer, other_task = Bowl(0.02), Bowl(0.02)
    longer.steps = 4
    other_task.problem = Problem(tasks.DigitsMLP(hidden=3))
    for runner in (longer, other_task):
        tune(runner, GRID, 1, cache_dir=tmp_path)
        assert len(runner.tried) == 4
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("content", ["", "{}", '{"key": 1, "runs": {}}'])
def test_a_damaged_cache_is_replaced_with_a_warning(tmp_path, content):
    tune(Bowl(0.02), GRID, 1, cache_dir=tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_text(content)
    runner = Bowl(0.02)
    with pytest.warns(UserWarning, match="is no cache of runs"):
        tune(runner, GRID, 1, cache_dir=tmp_path)
    assert len(runner.tried) == 4 and len(json.loads(path.read_text())["runs"]) == 4


def test_grids_and_criteria_that_cannot_work_are_refused():
    for arguments in ({"low": 0.0}, {"low": 2.0}, {"high": math.inf}, {"per_decade": 0}):
        with pytest.raises(ValueError, match="Received:"):
            Grid(**arguments)
    with pytest.raises(ValueError, match="Received: criterion='accuracy'"):
        tune(Bowl(0.1), GRID, 1, "accuracy")
    quadratic = Bowl(0.1)
    quadratic.problem = Problem(tasks.Quadratic())
    with pytest.raises(ValueError, match="no held-out loss. Received:"):
        tune(quadratic, GRID, 1, "held_out_loss")
