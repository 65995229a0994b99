"""The judges of sizes and habits: equal terms for all, and finished runs are not run again."""

import dataclasses

import keras
import numpy as np
import pytest

from experiments.habits import nets, sweep
from experiments.habits.nets import Cell, Trainer
from experiments.paper.pieces import Pieces
from l2l_tf import LearnedOptimizer, rules
from l2l_tf.evaluation import baselines
from l2l_tf.evaluation.contenders import from_text

CELL = Cell(width=6, depth=2, batch_size=4)


@pytest.fixture
def pictures(monkeypatch):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (30, 784)).astype("uint8")
    labels = generator.permutation(30) % 10
    monkeypatch.setattr(nets, "mnist", lambda: (images, labels))


def test_a_runs_batches_are_whole_epochs_and_the_same_for_all(pictures):
    rows = [[x.numpy() for x, _ in nets.batches(CELL, 20, seed)] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])
    drawn = np.concatenate(rows[0])[:28]
    assert len(np.unique(drawn, axis=0)) == 28, "no row comes twice in an epoch"


def test_runs_after_one_compilation_equal_a_plain_fit(pictures):
    contender = from_text("rule:mixture(hidden_size=4)@told")
    trainer = Trainer(contender, CELL, 20)
    first, again = trainer.run(0.3, 0), trainer.run(1.0, 1)
    keras.utils.set_random_seed(1)
    model = CELL.network()
    rule = rules.get("mixture", hidden_size=4)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(LearnedOptimizer(rule=rule), loss)
    plain = model.fit(nets.batches(CELL, 20, 1), steps_per_epoch=2, epochs=10, verbose=0)
    np.testing.assert_allclose(again, plain.history["loss"], rtol=1e-5)
    np.testing.assert_allclose(trainer.run(0.3, 0), first, rtol=1e-5)
    assert len(first) == 10 and first[0] > first[-1]


@pytest.mark.parametrize("text", ["rule:adam", "rule:annealed(rule=adam)"])
def test_a_length_is_told_where_the_contender_says_so(pictures, text):
    runs = [Trainer(from_text(text + end), CELL, 20).run(10.0, 0) for end in ("", "@told")]
    # Adam's steps know no length; annealed ones that know theirs are shorter at the end.
    assert np.allclose(*runs, rtol=1e-5) == (text == "rule:adam")


def test_a_finished_run_is_not_run_again_and_another_rule_is(pictures, tmp_path, monkeypatch):
    pieces, adam = Pieces(tmp_path), baselines.get("adam_default")
    first = sweep.measure(adam, CELL, 20, (None,), 2, pieces)
    monkeypatch.setattr(sweep, "Trainer", None)
    assert sweep.measure(adam, CELL, 20, (None,), 2, pieces) == first
    for other in (
        lambda: sweep.measure(adam, CELL, 10, (None,), 2, pieces),
        lambda: sweep.measure(dataclasses.replace(adam, identity={}), CELL, 20, (None,), 2, pieces),
    ):
        with pytest.raises(TypeError):
            other()


def test_large_cells_take_fewer_steps():
    assert CELL.steps(300, 1e12) == 300 and CELL.steps(37, 1e12) == 30
    wide = Cell(2048, 2, 1024)
    assert wide.weights() == 784 * 2048 + 2048**2 + 10 * 2048
    assert wide.steps(300, 3 * 1024 * wide.weights() * 105) == 100
    assert wide.steps(300, 1.0) == 30 and wide.steps(10, 1.0) == 10


def test_widths_and_depths_meet_once():
    made = sweep.cells([16, 64], [2, 4], [8, 64])
    sizes = [(c.width, c.depth, c.batch_size) for c in made]
    assert sizes == [(16, 2, 8), (16, 2, 64), (64, 2, 8), (64, 2, 64), (64, 4, 8), (64, 4, 64)]


def test_what_a_sweep_says():
    near = sweep.judged(CELL, 20, {0.1: 1.0, 0.3: 0.96, 1.0: 1.0, 3.0: 2.0}, 1.0)
    behind = sweep.judged(CELL, 20, {0.1: 1.0, 0.3: 0.9, 1.0: 1.5, 3.0: np.inf}, 0.5)
    assert near["near_best"] and near["near_adam"] and near["best_multiplier"] == 0.3
    assert not behind["near_best"] and not behind["near_adam"]
    text = sweep.report({"rule": [near, behind]})
    assert "in 50% of 2 cells; within 2 % of Adam(0.001) or ahead of it in 50%; at worst 3" in text
    assert "| 6 | 2 | 4 | 20 | 1 | **0.96** | 1 | 2 | 1 | yes | 1 |" in text
    assert "| 6 | 2 | 4 | 20 | 1 | **0.9** | 1.5 | ∞ | 0.5 | no | 3 |" in text
