"""Of how many rows a gradient is the mean: what `fit` tells the rule."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import LearnedOptimizer, tasks
from l2l_tf.evaluation.contenders import from_text
from l2l_tf.evaluation.problem import Problem
from l2l_tf.evaluation.runner import Runner
from l2l_tf.optimizer.batch_rows import rows_of_batches

X, Y = np.ones((40, 3), "float32"), np.zeros((40, 2), "float32")


class Sequence(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return X[:10], Y[:10]


def dataset(size, **kwargs):
    return tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(40).batch(size, **kwargs)


class Loader:
    """As PyTorch's `DataLoader` says it."""

    dataset, batch_size = (), 9


@pytest.mark.parametrize(
    "x, batch_size, rows",
    [
        (X, None, 32),
        (X, 8, 8),
        (X, 500, 40),
        ({"a": X, "b": [Y, tf.constant(X)]}, 16, 16),
        (X[:0], None, None),
        ((X, X[:3]), None, None),
        (dataset(7), None, 7),
        (dataset(7).map(lambda x, y: (x, y)).cache().repeat().prefetch(2), None, 7),
        (dataset(5, drop_remainder=True), None, 5),
        (tf.data.Dataset.zip(dataset(7), dataset(7)), None, None),
        (iter([(X, Y)]), None, None),
        (Sequence(), None, None),
        (Loader(), None, 9),
        (None, None, None),
    ],
)
def test_rows_of_what_fit_is_given(x, batch_size, rows):
    assert rows_of_batches(x, batch_size) == rows


class Told(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            self.rows = told(self.model)


def told(model):
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    return float(optimizer._context().batch_rows)


@pytest.mark.parametrize(
    "arguments, given, rows",
    [
        ({}, {"x": X, "y": Y, "batch_size": 8}, 8.0),
        ({}, {"x": dataset(7)}, 7.0),
        ({}, {"x": Sequence()}, np.nan),
        ({"gradient_accumulation_steps": 3}, {"x": X, "y": Y, "batch_size": 8}, 24.0),
        ({"total_steps": 50}, {"x": X, "y": Y}, 32.0),
    ],
)
@pytest.mark.parametrize("scaled", [False, True])
def test_fit_tells_the_rows_of_a_batch_and_takes_them_back(arguments, given, rows, scaled):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    optimizer = LearnedOptimizer(**arguments)
    model.compile(keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer, "mse")
    seen = Told()
    model.fit(**given, verbose=0, callbacks=[seen])
    np.testing.assert_equal(seen.rows, rows)
    assert np.isnan(told(model))


def test_they_are_taken_back_where_fit_fails():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(LearnedOptimizer(), "mse")
    with pytest.raises(ValueError):
        model.fit(X, Y[:, :1][:7], verbose=0)
    assert np.isnan(told(model))


@pytest.mark.parametrize("rows", [0, -1, "many", True])
def test_they_are_a_positive_number(rows):
    with pytest.raises(ValueError, match="Received: rows="):
        LearnedOptimizer().tell_batch_rows(rows)


@pytest.mark.parametrize("text, rows", [("@known_horizon", 16.0), ("", np.nan)])
def test_an_evaluation_tells_them_with_the_length(text, rows):
    task = tasks.get("digits_mlp(batch_size=16)")
    runner = Runner(Problem(task), from_text(f"spectral-general{text}"), 4)
    runner.run("tuning", 0)
    np.testing.assert_equal(float(runner._optimizer._context().batch_rows), rows)


def test_a_task_without_rows_has_none():
    assert tasks.get("quadratic").batch_rows is None
