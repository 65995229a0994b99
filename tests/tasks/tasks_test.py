"""Tasks: determinism, splits, batching, names as text."""

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import tasks
from l2l_tf.testing import task_laws

ALL = [
    "quadratic",
    "quadratic_uniform",
    "conditioned_quadratic",
    "logistic_regression",
    "digits_mlp(layers=2,activation=relu)",
]


@pytest.mark.parametrize("text", ALL)
def test_one_seed_gives_one_task_and_one_batch(text):
    task_laws.one_seed_gives_one_task_and_one_batch(tasks.get(text))


@pytest.mark.parametrize("text", ALL)
def test_the_loss_is_a_finite_scalar_with_a_gradient(text):
    task_laws.the_loss_is_a_finite_scalar_with_a_gradient(tasks.get(text))


@pytest.mark.parametrize("text", ALL)
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.quick("False-quadratic", "True-digits_mlp(layers=2,activation=relu)")
def test_several_tasks_at_once_equal_them_one_by_one(text, scaled):
    task = tasks.get(text)
    task = tasks.RandomScaling(task, 2.0) if scaled else task
    task_laws.several_at_once_equal_them_one_by_one(task, rtol=1e-5)


@pytest.mark.parametrize("level", ["coordinate", "tensor", "global"])
def test_random_scaling_changes_the_parameters_and_not_the_function(level):
    task = tasks.get("digits_mlp(hidden=5)")
    scaled = tasks.RandomScaling(task, 3.0, level)
    seed = tasks.as_seed(2)
    batch = task.batch(seed, 0)
    params, _ = task.init(seed)
    scaled_params, state = scaled.init(seed)
    assert np.abs(scaled_params[0] - params[0]).max() > 0.01
    np.testing.assert_allclose(
        scaled.loss(scaled_params, state, batch)[0], task.loss(params, [], batch)[0], rtol=1e-5
    )


def test_the_splits_of_the_digits_are_disjoint_and_complete():
    rows = [tasks.digits(split)[0] for split in tasks.SPLITS]
    assert [len(r) for r in rows] == [1077, 360, 360]
    from sklearn.datasets import load_digits

    joined = np.concatenate(rows)
    original = (load_digits().data / 16.0).astype("float32")
    order = np.lexsort(joined.T), np.lexsort(original.T)
    np.testing.assert_array_equal(joined[order[0]], original[order[1]])


def test_the_quadratic_is_the_papers():
    task = tasks.Quadratic()
    (x,), (w, y) = task.init(tasks.as_seed(0))
    assert w.shape == (10, 10)
    expected = np.sum((w.numpy() @ x.numpy() - y.numpy()) ** 2)
    np.testing.assert_allclose(task.loss([x], [w, y], ())[0], expected, rtol=1e-5)
    _, (w, _) = task.init_tasks(tasks.as_seed(0), 200)
    assert abs(float(tf.math.reduce_std(w)) - 1.0) < 0.02


def test_the_uniform_quadratic_averages_over_128_functions_in_0_to_1():
    task = tasks.QuadraticUniform()
    params, (w, y) = task.init(tasks.as_seed(0))
    assert w.shape == (128, 10, 10) and params[0].shape == (128, 10)
    assert 0 <= float(tf.reduce_min(w)) and float(tf.reduce_max(w)) < 1
    residual = np.einsum("bij,bj->bi", w, params[0]) - y.numpy()
    np.testing.assert_allclose(
        task.loss(params, [w, y], ())[0], np.mean(np.sum(residual**2, -1)), rtol=1e-5
    )


@pytest.mark.parametrize(
    "text",
    [
        "no_such_task",
        "digits_mlp(nothing=3)",
        "digits_mlp(20)",
        "digits_mlp(hidden=",
        "digits_mlp(activation=cosine)",
        "digits_mlp(hidden=0)",
        "digits_mlp(hidden=open('x'))",
        "",
    ],
)
def test_what_is_no_task_is_refused(text):
    with pytest.raises(ValueError, match="Received:"):
        tasks.get(text)


@pytest.mark.parametrize("wrong", [3, None, "quadratic", tasks.Quadratic])
def test_what_is_scaled_is_a_task(wrong):
    with pytest.raises(ValueError, match="`task` is a `Task`. Received: task="):
        tasks.RandomScaling(task=wrong)
