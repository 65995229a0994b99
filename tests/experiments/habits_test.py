"""The judges of sizes and habits: equal terms for all, and finished runs are not run again."""

import dataclasses
import functools

import keras
import numpy as np
import pytest

from experiments.habits import data, habits, nets, run, sweep
from experiments.habits.learner import Learner
from experiments.habits.nets import Cell, Trainer
from experiments.pieces import Pieces
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
    contender = from_text("rule:mixture(hidden_size=4)@known_horizon")
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


@pytest.mark.parametrize("text", ["rule:adam", "rule:annealed(inner=adam)"])
def test_a_length_is_told_where_the_contender_says_so(pictures, text):
    runs = [Trainer(from_text(text + end), CELL, 20).run(10.0, 0) for end in ("", "@known_horizon")]
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


def test_a_learner_begins_anew_and_adds_up_its_fits():
    rows = data.splits("wine")
    build = functools.partial(data.network, "wine")
    learner = Learner(from_text("rule:mixture(hidden_size=4)"), build, held_out=rows["test"])
    runs = []
    for seed in (0, 1, 0):
        learner.restart(seed)
        learner.fit(*rows["train"], epochs=3, interrupted_after=2)
        assert float(learner.optimizer._run_length) == 15, "five batches in each of three epochs"
        learner.fit(*rows["train"], epochs=1)
        runs.append(learner.train + learner.held_out)
    assert len(runs[0]) == 6 and learner.held_out_now() == pytest.approx(learner.held_out[-1])
    np.testing.assert_allclose(runs[0], runs[2], rtol=1e-4)
    assert not np.allclose(runs[0], runs[1], rtol=1e-2)


def test_data_of_every_kind():
    for name, units in (("digits", 16), ("wine", 1500)):
        raw, plain, noisy = (data.splits(name, kind)["train"] for kind in ("raw", "", "noisy"))
        assert raw[0].max() >= units > 16 > plain[0].max() or name == "digits"
        wrong = np.mean(noisy[1] != plain[1])
        assert 0.1 < wrong < 0.3 and set(noisy[1]) == set(plain[1])
        assert data.network(name).output_shape == (None, len(set(plain[1])))
    for wrong in ({"name": "iris"}, {"name": "wine", "kind": "odd"}):
        with pytest.raises(ValueError, match="Received:"):
            data.splits(**wrong)


class Lengths:
    """Stands for a `Learner`: what `fit` was asked for, and what an optimizer would be told."""

    def __init__(self):
        self.asked = []
        self.optimizer = LearnedOptimizer(rule=rules.get("sgd"))

    def fit(self, *rows, epochs, callbacks=(), interrupted_after=None, **arguments):
        named = [type(c).__name__ for c in callbacks]
        self.asked.append((epochs, named, interrupted_after, self.optimizer.total_steps))


@pytest.mark.parametrize("habit", habits.HABITS, ids=lambda habit: habit.name)
def test_every_habit_fits_and_its_honest_run_tells_its_length(habit):
    rows = tuple(np.zeros((64, 2), "float32") for _ in range(2))
    learner, honest = Lengths(), Lengths()
    habit.run(learner, rows)
    assert len(learner.asked) == {"short_fits": 30}.get(
        habit.name, 2 if habit.name in ("resumed", "second_fit", "second_long") else 1
    )
    if habit.honest is not None:
        habit.honest(honest, rows, 7)
        ((epochs, callbacks, interrupted, total),) = honest.asked
        assert (epochs, callbacks, interrupted) == (7, [], None) and total in (None, 14)


def test_a_row_of_habits_is_made_of_medians(tmp_path, monkeypatch):
    habit = {habit.name: habit for habit in habits.HABITS}["told_30x"]
    pieces = Pieces(tmp_path)
    benches = [
        run.Bench(made, "wine", pieces)
        for made in (from_text("rule:mixture(hidden_size=4)"), baselines.get("adam_default"))
    ]
    row = run.judged(habit, 2, *benches)
    assert row["epochs"] == row["adam_epochs"] == row["honest_epochs"] == 3
    assert row["best_to_adam"] == row["best"] / row["adam_best"]
    assert row["best_to_honest"] != 1.0
    monkeypatch.setattr(run, "Learner", None)
    assert run.judged(habit, 2, *benches) == row, "finished runs are kept"
    rows = [{"data": "wine", **row}, {"data": "wine", **row, "best_to_adam": 2.0}]
    assert "at or below Adam's in 1 of 2 rows" in run.report({"rule": rows}, 2)
    assert run.table(rows).count("| wine | epochs=90, Ctrl-C after 3 |") == 2
