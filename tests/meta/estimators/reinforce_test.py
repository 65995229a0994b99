"""REINFORCE where the policy gradient is known: one step of a rule with one rate."""

import numpy as np
import pytest
import tensorflow as tf

from experiments.estimators.bias_variance import RATE, Bowl, OneRate
from l2l_tf import rules, tasks
from l2l_tf.meta.estimators import Reinforce
from l2l_tf.meta.settings import Settings
from l2l_tf.meta.trainer import Trainer
from l2l_tf.tasks import as_seed, fold_in

NOISE = 0.5


def expected():
    """Derivative by the rate of the mean of −log-improvement, the noise's size held fixed."""
    drawn = np.random.default_rng(0).normal(size=2_000_000)

    def mean(rate):
        return np.mean(2 * np.log(np.abs(1 - rate + NOISE * RATE * drawn)))

    return (mean(RATE + 1e-3) - mean(RATE - 1e-3)) / 2e-3


def test_the_estimate_is_the_gradient_of_the_mean_log_improvement():
    estimator = Reinforce(
        unroll=1, num_tasks=16, rollouts=4, exploration=NOISE, discount=1.0, log_floor=0.0
    )
    rule, task = OneRate(), Bowl()

    @tf.function(autograph=False)
    def one(seed):
        carried = estimator.begin(rule, task, seed)
        drawn = estimator.batches(task, carried, 0)
        return estimator.estimate(rule, task, carried, drawn, 0, 1).meta_gradient["rate"][0]

    found = np.array([one(fold_in(as_seed(0), number)) for number in range(60)])
    error = 4 * found.std() / np.sqrt(len(found))
    assert abs(found.mean() - expected()) < error < 0.5 * abs(expected())


def test_a_return_is_discounted_and_its_baseline_is_that_of_the_other_rollouts():
    estimator = Reinforce(unroll=2, num_tasks=1, rollouts=3, discount=0.5)
    rewards = tf.constant([[1.0, 2.0, 3.0], [4.0, 0.0, 2.0]])
    returns = np.array([[3.0, 2.0, 4.0], [4.0, 0.0, 2.0]])
    others = (returns.sum(axis=1, keepdims=True) - returns) / 2
    np.testing.assert_allclose(estimator.advantages(rewards), returns - others, rtol=1e-6)


def test_a_reward_is_the_log_improvement_less_the_time_until_the_goal():
    estimator = Reinforce(time_cost=0.1, goal=0.2, log_floor=0.0)
    losses = tf.constant([[1.0], [0.5], [0.1], [float("nan")]])
    found = np.ravel(estimator.rewards(losses, tf.constant([1.0])))
    np.testing.assert_allclose(found, [np.log(2) - 0.1, np.log(5), -10.1], rtol=1e-5)


def test_rollouts_begin_alike_see_the_same_rows_and_part():
    task = tasks.get("digits_mlp(hidden=3,batch_size=4)")
    rule = rules.RNNProp(hidden_size=4, layers=1)
    estimator = Reinforce(unroll=2, num_tasks=2, rollouts=2)
    carried = estimator.begin(rule, task, as_seed(0))
    drawn = estimator.batches(task, carried, 0)
    rows = drawn[0][0].numpy()
    np.testing.assert_array_equal(rows[:, :2], rows[:, 2:])
    assert (rows[:, 0] != rows[:, 1]).any()
    before = carried.trajectory.params[0].numpy()
    np.testing.assert_array_equal(before[:2], before[2:])
    estimate = estimator.estimate(rule, task, carried, drawn, 0, 4)
    after = estimate.carried.trajectory.params[0].numpy()
    assert (after[:2] != after[2:]).any()
    assert float(estimate.summaries["meta_gradient_norm"]) > 0
    again = estimator.estimate(
        rule, task, estimate.carried, estimator.batches(task, estimate.carried, 2), 2, 4
    )
    np.testing.assert_array_equal(again.carried.first, estimate.carried.first)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.quick("False")
def test_it_teaches_a_rate(jit):
    trainer = Trainer(
        OneRate(),
        [Bowl()],
        Reinforce(unroll=2, num_tasks=4),
        [Bowl()],
        Settings(meta_steps=30, trajectories=(4,), meta_learning_rate=0.02, jit_compile=jit),
    )
    before = trainer.validate()["score"]
    for _ in range(30):
        trainer.step()
    assert trainer.validate()["score"] < before - 0.1
