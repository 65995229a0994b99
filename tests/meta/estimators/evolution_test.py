"""ES and PES against the exact gradient of a toy, and against each other."""

import numpy as np
import pytest
import tensorflow as tf

from experiments.estimators.bias_variance import RATE, Bowl, OneRate
from l2l_tf import rules
from l2l_tf.meta.estimators import EvolutionStrategies, PersistentEvolutionStrategies
from l2l_tf.tasks import as_seed, fold_in


def mean_loss(rate, steps, first=0):
    """Mean of ½x_t² over the steps after `first`, x_t = (1 − rate)^t."""
    t = np.arange(first + 1, first + steps + 1)
    return np.mean(0.5 * (1 - rate) ** (2 * t))


def derivative(function, at, epsilon=1e-5):
    return (function(at + epsilon) - function(at - epsilon)) / (2 * epsilon)


def estimates(estimator, unrolls, repeats=40):
    """`[repeats, unrolls]` estimates along one trajectory each."""
    rule, task = OneRate(), Bowl()

    @tf.function(autograph=False)
    def one(carried, start):
        drawn = estimator.batches(task, carried, start)
        total = estimator.unroll * unrolls
        return estimator.estimate(rule, task, carried, drawn, start, total)

    values = np.zeros((repeats, unrolls))
    for repeat in range(repeats):
        carried = estimator.begin(rule, task, fold_in(as_seed(0), repeat))
        for index in range(unrolls):
            estimate = one(carried, tf.constant(index * estimator.unroll))
            carried = estimate.carried
            values[repeat, index] = float(estimate.meta_gradient["rate"][0])
    return values


def test_es_is_the_gradient_of_one_unroll():
    found = estimates(EvolutionStrategies(unroll=5, num_tasks=64), 1)[:, 0]
    expected = derivative(lambda r: mean_loss(r, 5), RATE)
    error = 4 * found.std() / np.sqrt(len(found))
    assert abs(found.mean() - expected) < error < 0.5 * abs(expected)


def test_pes_is_the_gradient_of_the_whole_trajectory_where_es_is_not():
    unrolls = 4
    expected = derivative(lambda r: mean_loss(r, 5 * unrolls), RATE)
    persistent = estimates(PersistentEvolutionStrategies(unroll=5, num_tasks=64), unrolls).mean(
        axis=1
    )
    error = 4 * persistent.std() / np.sqrt(len(persistent))
    assert abs(persistent.mean() - expected) < error < 0.5 * abs(expected)
    truncated = estimates(EvolutionStrategies(unroll=5, num_tasks=64), unrolls).mean(axis=1)
    assert abs(truncated.mean() - expected) > 4 * truncated.std() / np.sqrt(len(truncated))


def test_a_diverged_optimizee_costs_its_bound_and_leaves_everything_finite():
    class Wild(Bowl):
        def loss(self, params, model_state, batch):
            loss, model_state, metrics = super().loss(params, model_state, batch)
            return loss / 0.0, model_state, metrics

    estimator = EvolutionStrategies(unroll=3, num_tasks=2)
    carried = estimator.begin(OneRate(), Wild(), as_seed(0))
    estimate = estimator.estimate(
        OneRate(), Wild(), carried, estimator.batches(Wild(), carried, 0), 0, 3
    )
    assert float(estimate.summaries["diverged"]) == 1.0
    for tensor in tf.nest.flatten([estimate.meta_gradient, estimate.carried]):
        assert np.isfinite(np.asarray(tensor)).all()


def test_a_share_of_the_trajectories_is_told_its_length():
    estimator = EvolutionStrategies(known_horizon=0.5)
    told = [float(estimator.horizon(as_seed(i), 100)) for i in range(200)]
    assert set(np.nan_to_num(told)) == {0.0, 100.0}
    assert 0.35 < np.mean(np.isfinite(told)) < 0.65


def test_a_share_of_the_lengths_is_wrong_by_a_factor_of_a_third_to_thirty():
    estimator = EvolutionStrategies(wrong_horizon=0.5)
    told = np.array([float(estimator.horizon(as_seed(i), 90)) for i in range(300)])
    assert 0.4 < np.mean(told == 90.0) < 0.6
    wrong = told[told != 90.0]
    assert 30.0 <= wrong.min() < 40.0 and 2000.0 < wrong.max() <= 2700.0
    # Half of them are below the middle of the logarithms, √(1/3 · 30) times the length.
    assert 0.4 < np.mean(wrong < 90.0 * np.sqrt(10.0)) < 0.6


def test_wrong_lengths_leave_it_to_chance_which_lengths_are_known():
    both = EvolutionStrategies(known_horizon=0.5, wrong_horizon=0.5)
    known = EvolutionStrategies(known_horizon=0.5)
    told = np.array([[float(e.horizon(as_seed(i), 90)) for e in (both, known)] for i in range(100)])
    np.testing.assert_array_equal(np.isnan(told[:, 0]), np.isnan(told[:, 1]))


@pytest.mark.parametrize("arguments", [{"sigma": 0.0}, {"known_horizon": 1.5}, {"unroll": 0}])
def test_settings_out_of_range_are_refused(arguments):
    with pytest.raises(ValueError, match="Received:"):
        EvolutionStrategies(**arguments)


@pytest.mark.parametrize("name", ["lstm", "mixture", "spectral", "celo_adam"])
@pytest.mark.quick("spectral")
def test_es_trains_any_rule_with_meta_parameters_of_each_task(name):
    rule = rules.get(name)
    estimator = PersistentEvolutionStrategies(unroll=2, num_tasks=2)
    carried = estimator.begin(rule, Bowl(), as_seed(1))
    drawn = estimator.batches(Bowl(), carried, 0)
    estimate = estimator.estimate(rule, Bowl(), carried, drawn, 0, 2)
    sizes = [float(tf.reduce_max(tf.abs(g))) for g in estimate.meta_gradient.values()]
    assert np.isfinite(sizes).all() and max(sizes) > 0
