"""Imitation where the difference of two rules is known, and of a rule that learns another."""

import numpy as np
import pytest
import tensorflow as tf

from experiments.estimators.bias_variance import RATE, Bowl, OneRate
from l2l_tf import presets, rules, tasks
from l2l_tf.meta.estimators import Imitation
from l2l_tf.meta.settings import Settings
from l2l_tf.meta.trainer import Trainer
from l2l_tf.rules.state import part_of
from l2l_tf.tasks import as_seed, fold_in

TAUGHT = 0.25


def trajectories(task, seeds):
    """Imitation along 10 steps: `(estimate, whether the teacher led, loss after them)`."""
    estimator = Imitation(teacher=f"sgd(learning_rate={TAUGHT})", unroll=10, num_tasks=2)
    rule = OneRate()
    for number in range(seeds):
        carried = estimator.begin(rule, task, fold_in(as_seed(0), number))
        drawn = estimator.batches(task, carried, 0)
        estimate = estimator.estimate(rule, task, carried, drawn, 0, 10)
        led = bool(np.asarray(carried.rule_state.shared["led"]).all())
        yield estimate, led, float(estimate.summaries["last_loss"])


def test_the_meta_gradient_is_that_of_the_relative_difference_whoever_leads():
    expected = ((RATE - TAUGHT) / TAUGHT) ** 2
    seen = set()
    for estimate, led, loss in trajectories(Bowl(), 12):
        assert float(estimate.summaries["meta_loss"]) == pytest.approx(expected, rel=1e-5)
        gradient = float(estimate.meta_gradient["rate"][0])
        assert gradient == pytest.approx(2 * (RATE - TAUGHT) / TAUGHT**2, rel=1e-5)
        rate = TAUGHT if led else RATE
        assert loss == pytest.approx(0.5 * (1 - rate) ** 20, rel=1e-4)
        seen.add(led)
    assert seen == {True, False}


@pytest.mark.parametrize("rule", ["rnnprop(hidden_size=4,layers=1)", "mixture(hidden_size=4)"])
@pytest.mark.quick("rnnprop(hidden_size=4,layers=1)")
def test_a_learned_rule_comes_nearer_to_its_teacher(rule):
    task = tasks.Quadratic(dimension=3)
    trainer = Trainer(
        rules.from_text(rule),
        [task],
        Imitation(teacher="adam(learning_rate=0.02)", unroll=5, num_tasks=4),
        [task],
        Settings(meta_steps=60, trajectories=(10,), meta_learning_rate=2e-2, jit_compile=False),
    )
    differences = [trainer.step()["meta_loss"] for _ in range(60)]
    assert np.mean(differences[-10:]) < 0.5 * np.mean(differences[:10])


@pytest.mark.parametrize("teacher, named", [("nobody()", "'nobody"), ("not/here", "'not/here'")])
def test_a_teacher_that_is_neither_rule_nor_preset_is_refused(teacher, named):
    with pytest.raises((ValueError, FileNotFoundError), match=f"Received: .*{named}"):
        Imitation(teacher=teacher)


def test_a_preset_teaches_by_name_or_directory():
    named = Imitation(teacher="lstm-digits", unroll=3, num_tasks=1)
    there = Imitation(teacher=str(presets.preset_directory("lstm-digits")), unroll=3, num_tasks=1)
    itself = presets.load_preset("lstm-digits")
    task = tasks.Quadratic(dimension=3)
    for estimator in (named, there):
        carried = estimator.begin(itself, task, as_seed(1))
        batches = estimator.batches(task, carried, 0)
        estimate = estimator.estimate(itself, task, carried, batches, 0, 3)
        assert estimate.summaries["meta_loss"] == 0.0


def test_states_are_told_apart():
    estimator = Imitation(teacher="momentum(learning_rate=0.1)", unroll=5, num_tasks=2)
    rule = rules.get("rnnprop", hidden_size=2, layers=1)
    carried = estimator.begin(rule, tasks.Quadratic(dimension=3), as_seed(1))
    (state,) = carried.rule_state.variables
    assert set(part_of(state, "student")) == set(rule.slot_shapes())
    assert set(part_of(state, "teacher")) == {"momentum"}
    assert all(name.startswith(("student_", "teacher_")) for name in state)
    assert all(tf.reduce_all(tf.equal(t, 0)) for t in tf.nest.flatten(state))
