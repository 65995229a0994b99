"""CIFAR-10 in the report: further seeds beside those that were recorded."""

import dataclasses

import pytest

from experiments.paper import cifar
from experiments.paper.plan import QUICK, Experiment
from experiments.pieces import Pieces
from l2l_tf.evaluation import Contestant, Record, Results
from l2l_tf.evaluation.runner import Measurement

TASK = cifar.CASES["cifar10"][0]


class Known:
    """A `Runner` whose losses are the seed's number and ten times the rate."""

    def __init__(self, problem, contender, steps):
        del problem, contender
        self.steps = steps

    def run(self, stream, seed, rate, at):
        assert stream == "report" and at[-1] == self.steps
        report = {"loss": seed + 10 * (rate or 0.0), "accuracy": 0.5}
        return [
            Measurement(step, 2.0, 1.0 if step else None, {"train": report, "test": report})
            for step in at
        ]


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar, "Runner", Known)
    monkeypatch.setattr(cifar, "Problem", lambda *given: None)
    plan = dataclasses.replace(QUICK, more_seeds=(0, 3))
    contestants = [Contestant(TASK, "adam", False, 0.01), Contestant(TASK, "lstm-cifar10", True)]
    records = [
        Record(TASK, c.optimizer, c.learning_rate, 0, step, 1.0, None, 7.0, 7.0, 0.1, 0.1)
        for c in contestants
        for step in (0, 3)
    ]
    for case in cifar.CASES:
        Results({}, contestants, records).to_csv(tmp_path / f"{case}.csv")
    return Experiment(plan, Pieces(tmp_path / "pieces"), tmp_path, tmp_path / "runs")


def ends(results, name):
    return {seed: run[-1].train_loss for seed, run in results.runs(TASK, name).items()}


def test_further_seeds_run_at_the_recorded_rate_and_recorded_ones_stay(experiment):
    results = cifar.results_of(experiment, "cifar10", TASK)
    assert ends(results, "adam") == {0: 7.0, 3: 3.1} and cifar.seeds_of(results) == 2
    assert ends(results, "lstm-cifar10") == {0: 7.0, 3: 3.0}
    assert [c.learned for c in results.contestants] == [False, True]
    results.to_csv(experiment.output / "cifar10.csv")
    assert ends(cifar.results_of(experiment, "cifar10", TASK), "adam") == {0: 7.0, 3: 3.1}


def test_subsets_of_the_labels_stay_as_they_were_recorded(experiment):
    assert ends(cifar.results_of(experiment, "cifar5", TASK), "adam") == {0: 7.0}
