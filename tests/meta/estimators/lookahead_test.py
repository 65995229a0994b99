"""The lookahead on gradients alone, where its targets are known."""

import numpy as np
import pytest
import tensorflow as tf

from experiments.estimators.bias_variance import RATE, Bowl, OneRate
from l2l_tf import rules, tasks
from l2l_tf.meta.estimators import Lookahead
from l2l_tf.meta.settings import Settings
from l2l_tf.meta.trainer import Trainer
from l2l_tf.tasks import as_seed


def estimate(estimator, rule, task, steps):
    carried = estimator.begin(rule, task, as_seed(0))
    drawn = estimator.batches(task, carried, 0)
    return estimator.estimate(rule, task, carried, drawn, 0, steps)


def test_on_a_bowl_the_target_is_the_minimum():
    """From x the update −r·x misses −x by (1 − r)·x; three of four updates have a target."""
    found = estimate(Lookahead(unroll=4, num_tasks=2, trust=100.0), OneRate(), Bowl(), 4)
    missed = (1 - RATE) / RATE
    assert float(found.summaries["meta_loss"]) == pytest.approx(0.75 * missed**2, rel=1e-4)
    gradient = -0.75 * 2 * missed / RATE
    assert float(found.meta_gradient["rate"][0]) == pytest.approx(gradient, rel=1e-4)


def test_a_target_is_no_further_away_than_it_is_trusted():
    found = estimate(Lookahead(unroll=4, num_tasks=2, trust=0.5), OneRate(), Bowl(), 4)
    assert float(found.summaries["meta_loss"]) == pytest.approx(0.75 * 0.5**2, rel=1e-4)


def test_no_loss_is_looked_at():
    class Shifted(Bowl):
        def loss(self, params, model_state, batch):
            loss, model_state, metrics = super().loss(params, model_state, batch)
            return loss + 100.0, model_state, metrics

    estimator = Lookahead(unroll=3, num_tasks=1)
    plain, shifted = (estimate(estimator, OneRate(), task, 3) for task in (Bowl(), Shifted()))
    np.testing.assert_array_equal(plain.meta_gradient["rate"], shifted.meta_gradient["rate"])


def test_it_teaches_a_rule_without_losses():
    task = tasks.Quadratic(dimension=3)
    trainer = Trainer(
        rules.RNNProp(hidden_size=4, layers=1),
        [task],
        Lookahead(unroll=5, num_tasks=4),
        [task],
        Settings(meta_steps=60, trajectories=(20,), meta_learning_rate=1e-2, jit_compile=False),
    )
    before = trainer.validate()["score"]
    for _ in range(60):
        trainer.step()
    assert trainer.validate()["score"] < before - 0.3


def test_a_first_step_has_no_target():
    estimator = Lookahead(unroll=1, num_tasks=1)
    found = estimate(estimator, OneRate(), Bowl(), 1)
    assert float(found.summaries["meta_loss"]) == 0.0
    assert np.isfinite(tf.nest.flatten(found.meta_gradient)[0]).all()
