"""CIFAR-10 in the report: further seeds beside those that were recorded."""

import dataclasses

import numpy as np
import pytest

from experiments.paper import cifar
from experiments.paper.plan import QUICK, Experiment
from experiments.pieces import Pieces
from experiments.redraw import from_records
from l2l_tf import evaluation, presets
from l2l_tf.evaluation import Contestant, Record, Results
from l2l_tf.evaluation.runner import Measurement


class Known:
    """A `Runner` whose losses are the seed's number and ten times the rate, least at 0.0178."""

    ran = []

    def __init__(self, problem, contender, steps):
        del problem
        self.steps = steps
        self.ran.append(contender)

    def run(self, stream, seed, rate, at):
        assert at[-1] == self.steps
        loss = seed + 10 * (rate or 0.0)
        if stream == "tuning":
            loss = abs(np.log10(rate / 0.0178))
        report = {"loss": loss, "accuracy": 0.5}
        return [
            Measurement(step, 2.0, 1.0 if step else None, {"train": report, "test": report})
            for step in at
        ]


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar, "Runner", Known)
    monkeypatch.setattr(Known, "ran", [])
    monkeypatch.setattr(cifar, "Problem", lambda *given: None)
    plan = dataclasses.replace(QUICK, more_seeds=(0, 3))
    for case, (task, _) in cifar.CASES.items():
        contestants = [
            Contestant(task, "adam", False, 0.01),
            Contestant(task, "lstm-cifar10", True),
        ]
        records = [
            Record(task, c.optimizer, c.learning_rate, 0, step, 1.0, None, 7.0, 7.0, 0.1, 0.1)
            for c in contestants
            for step in (0, 3)
        ]
        Results({}, contestants, records).to_csv(tmp_path / f"{case}.csv")
    return Experiment(plan, Pieces(tmp_path / "pieces"), tmp_path, tmp_path / "runs")


def ends(results, name):
    (task,) = {record.task for record in results.records}
    return {seed: run[-1].train_loss for seed, run in results.runs(task, name).items()}


def test_further_seeds_run_at_the_recorded_rate_and_recorded_ones_stay(experiment):
    case, task = "cifar10", cifar.CASES["cifar10"][0]
    results = cifar.results_of(experiment, case, task)
    assert ends(results, "adam") == {0: 7.0, 3: 3.1} and cifar.seeds_of(results) == 2
    assert ends(results, "lstm-cifar10") == {0: 7.0, 3: 3.0}
    assert [c.learned for c in results.contestants] == [False, True]
    results.to_csv(experiment.output / f"{case}.csv")
    assert ends(cifar.results_of(experiment, case, task), "adam") == {0: 7.0, 3: 3.1}


def test_without_centring_the_same_weights_run_on_further_seeds_too(experiment):
    task, name = cifar.CASES["cifar10"][0], "lstm-cifar10-not-centred"
    record = Record(task, name, None, 0, 3, 1.0, 1.0, 7.0, 7.0, 0.1, 0.1)
    path = experiment.output / "cifar10-not-centred.csv"
    Results({}, [Contestant(task, name, True)], [record]).to_csv(path)
    assert "2 seeds." in cifar.without_centring(experiment)
    assert ends(from_records(path), name) == {0: 7.0, 3: 3.0}
    (contender,) = Known.ran
    centred = presets.load_preset("lstm-cifar10")
    assert contender.identity == evaluation.learned(centred.inner).identity
    assert contender.identity != evaluation.learned(centred).identity


def test_subsets_of_the_labels_stay_as_they_were_recorded(experiment):
    case, task = "cifar5", cifar.CASES["cifar5"][0]
    plan = dataclasses.replace(experiment.plan, finer_rates=True)
    experiment = dataclasses.replace(experiment, plan=plan)
    assert ends(cifar.results_of(experiment, case, task), "adam") == {0: 7.0}


def test_a_finer_rate_is_chosen_on_seeds_that_tune_and_run_on_all_seeds(experiment):
    plan = dataclasses.replace(experiment.plan, more_seeds=(), finer_rates=True)
    experiment = dataclasses.replace(experiment, plan=plan)
    results = cifar.results_of(experiment, "cifar10", cifar.CASES["cifar10"][0])
    rate = {c.optimizer: c.learning_rate for c in results.contestants}
    assert rate == {"adam": 0.0177828, "lstm-cifar10": None}
    assert ends(results, "adam") == {0: pytest.approx(0.177828)}
    assert ends(results, "lstm-cifar10") == {0: 7.0}
    results.to_csv(experiment.output / "cifar10.csv")
    again = cifar.results_of(experiment, "cifar10", cifar.CASES["cifar10"][0])
    assert again.contestants == results.contestants and ends(again, "adam") == ends(results, "adam")
