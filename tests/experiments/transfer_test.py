"""The transfer matrix: what is measured, and what stays as it was recorded."""

import csv
import dataclasses

import pytest

from experiments.paper import transfer
from experiments.paper.plan import QUICK, Experiment
from experiments.pieces import Pieces

MEASURED = "lstm: 1 layer, long"


class Half:
    """A `SharedStep` whose runs all end at half of the seed and one."""

    def __init__(self, task, rule, steps):
        del task, rule, steps

    def final_loss(self, rule, seed):
        return 0.5 + seed


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "SharedStep", Half)
    monkeypatch.setattr(transfer, "cells", lambda dataset: {"base": transfer.MLPS[dataset]})
    monkeypatch.setattr(transfer, "adams", lambda experiment, task: [1.0])
    plan = dataclasses.replace(QUICK, transfer_rows=(MEASURED,))
    return Experiment(plan, Pieces(tmp_path / "pieces"), tmp_path, tmp_path / "runs")


def records(experiment):
    with open(experiment.output / "transfer.csv", newline="") as file:
        return {
            (r["trained"], int(r["seed"])): float(r["train_loss"]) for r in csv.DictReader(file)
        }


def test_rows_that_are_not_asked_for_and_adam_stay_as_they_were_recorded(experiment):
    lines = ["trained,dataset,network,seed,train_loss"]
    for name, loss in (("default", 0.25), (MEASURED, 7.0), ("adam", 2.0)):
        quoted = f'"{name}"'
        lines += [f"{quoted},mnist,base,{seed},{loss}" for seed in (0, 1)]
    (experiment.output / "transfer.csv").write_text("\n".join(lines) + "\n")
    text = transfer.run(experiment)
    assert records(experiment) == {("default", 0): 0.25, (MEASURED, 0): 0.5, ("adam", 0): 2.0}
    assert "| default | 1 of 1 | -0.90 |" in text and f"| {MEASURED} | 1 of 1 | -0.60 |" in text
    assert "transfer-lstm-residual" in text and (experiment.output / "transfer.png").is_file()


def test_a_row_that_is_asked_for_and_not_meta_trained_is_an_error(experiment):
    plan = dataclasses.replace(experiment.plan, transfer_rows=("lstm: residual",))
    with pytest.raises(FileNotFoundError, match="train --only=transfer-lstm-residual"):
        transfer.candidates(dataclasses.replace(experiment, plan=plan))


def test_without_rows_all_that_is_there_is_measured_beside_adam(experiment):
    plan = dataclasses.replace(experiment.plan, transfer_rows=())
    transfer.run(dataclasses.replace(experiment, plan=plan))
    found = records(experiment)
    assert found[("adam", 0)] == 1.0
    assert {name for name, _ in found} == {"default", "mixture-general", MEASURED, "adam"}
