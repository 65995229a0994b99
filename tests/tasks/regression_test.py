"""Regression on rows in memory."""

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import tasks
from l2l_tf.testing import check_task


def test_the_diabetes_data_are_standardised_by_the_rows_to_train_on():
    task = tasks.get("diabetes_mlp")
    rows, targets = (part.numpy() for part in task.full_batch("train"))
    assert rows.shape == (282, 10) and targets.shape == (282, 1)
    assert [task.full_batch(s)[0].shape[0] for s in ("validation", "test")] == [80, 80]
    for part in (rows, targets):
        np.testing.assert_allclose(part.mean(0), 0.0, atol=1e-5)
        np.testing.assert_allclose(part.std(0), 1.0, atol=1e-5)


def test_the_loss_is_the_mean_squared_error():
    task = tasks.get("diabetes_mlp(hidden=3)")
    params, _ = task.init(tasks.as_seed(0))
    rows, targets = task.batch(tasks.as_seed(1), 0)
    kernel, bias, output, output_bias = params
    scores = tf.tanh(rows @ kernel + bias) @ output + output_bias
    loss, _, metrics = task.loss(params, [], (rows, targets))
    np.testing.assert_allclose(loss, np.mean((scores - targets) ** 2), rtol=1e-5)
    assert metrics == {}
    np.testing.assert_allclose(task.evaluate(params, [], (rows, targets))[0], loss, rtol=1e-6)


@pytest.mark.parametrize("name", ["diabetes_mlp", "image_autoencoder"])
@pytest.mark.parametrize("wrong", ["objective=mse", "label_noise=0.1"])
def test_there_are_no_labels(name, wrong):
    with pytest.raises(ValueError, match="no labels. Received: "):
        tasks.get(f"{name}({wrong})")


def test_it_is_a_task_as_others_are():
    check_task(tasks.get("diabetes_mlp"))
