"""Residual, highway and recurrent networks against their formulas and against Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import small_packages
from helpers.descent import descend

from l2l_tf import tasks
from l2l_tf.testing import task_laws

NETWORKS = [
    "residual_net(batch_size=8)",
    "residual_net(batch_size=8,dataset=mnist,layers=2,activation=relu)",
    "highway_net(batch_size=8)",
    "highway_net(batch_size=8,dataset=mnist,hidden=5,activation=tanh)",
    "row_rnn(batch_size=8)",
    "row_rnn(batch_size=8,dataset=mnist,hidden=7,activation=sigmoid)",
]


directory = pytest.fixture(scope="module", autouse=True)(small_packages.mnist_alone)


def moved(params):
    """The parameters, none of them 0 any more."""
    noise = [tf.random.stateless_normal(p.shape, [7, i]) for i, p in enumerate(params)]
    return [p + 0.3 * n for p, n in zip(params, noise, strict=True)]


@pytest.mark.parametrize("text", NETWORKS)
@pytest.mark.quick("row_rnn(batch_size=8)")
def test_several_tasks_at_once_equal_them_one_by_one(text):
    task = tasks.RandomScaling(tasks.get(text), 1.0)
    task_laws.several_at_once_equal_them_one_by_one(task)


@pytest.mark.parametrize("text", NETWORKS)
@pytest.mark.quick("highway_net(batch_size=8)")
def test_a_few_steps_of_gradient_descent_lower_the_loss(text):
    losses, gradients = descend(tasks.get(text), "test")
    assert losses[-1] < losses[0]
    assert all(float(tf.norm(g)) > 0 for g in gradients)


def test_residual_layers_add_to_what_comes_in():
    task = tasks.ResidualNet(layers=3, hidden=6, batch_size=9)
    rows, _ = task.batch(tasks.as_seed(1), 0)
    w1, b1, w2, b2, w3, b3, w4, b4 = params = [
        p.numpy() for p in moved(task.init(tasks.as_seed(0))[0])
    ]

    def phi(x):
        return 1 / (1 + np.exp(-x))

    h = phi(rows.numpy() @ w1 + b1)
    h = h + phi(h @ w2 + b2)
    h = h + phi(h @ w3 + b3)
    received, _ = task.scores(params, [], rows, training=True)
    np.testing.assert_allclose(received, h @ w4 + b4, rtol=1e-4, atol=1e-5)


def test_highway_layers_pass_what_their_gate_lets_through():
    task = tasks.HighwayNet(layers=2, hidden=6, batch_size=9, activation="tanh")
    rows, _ = task.batch(tasks.as_seed(1), 0)
    w1, b1, w2, b2, wt, bt, w3, b3 = params = [
        p.numpy() for p in moved(task.init(tasks.as_seed(0))[0])
    ]
    h = np.tanh(rows.numpy() @ w1 + b1)
    gate = 1 / (1 + np.exp(-(h @ wt + bt)))
    h = gate * np.tanh(h @ w2 + b2) + (1 - gate) * h
    received, _ = task.scores(params, [], rows, training=True)
    np.testing.assert_allclose(received, h @ w3 + b3, rtol=1e-4, atol=1e-5)
    closed = tasks.HighwayNet(layers=4, gate_bias=-50.0)
    params, _ = closed.init(tasks.as_seed(0))
    rows, _ = closed.batch(tasks.as_seed(1), 0)
    shallow = tasks.DigitsMLP()
    expected, _ = shallow.scores([*params[:2], *params[-2:]], [], rows, True)
    np.testing.assert_allclose(closed.scores(params, [], rows, True)[0], expected, atol=1e-5)


@pytest.mark.parametrize("dataset", ["digits", "mnist"])
def test_the_recurrent_network_equals_keras_simple_rnn(dataset):
    task = tasks.RowRNN(dataset, hidden=6, batch_size=9)
    rows, _ = task.batch(tasks.as_seed(1), 0)
    kernel, bias, recurrent, *output = params = moved(task.init(tasks.as_seed(0))[0])
    model = keras.Sequential([keras.layers.SimpleRNN(6), keras.layers.Dense(task.classes)])
    lines = tf.reshape(rows, [9, task.side, task.side])
    model(lines)
    for variable, value in zip(
        model.trainable_variables, [kernel, recurrent, bias, *output], strict=True
    ):
        variable.assign(value)
    received, _ = task.scores(params, [], rows, training=True)
    np.testing.assert_allclose(received, model(lines), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["residual_net", "highway_net", "row_rnn"])
def test_pixels_lie_between_0_and_1_and_the_data_sets_have_their_sizes(name):
    for dataset, side in (("digits", 8), ("mnist", 28)):
        task = tasks.get(f"{name}(dataset={dataset},batch_size=16)")
        rows, labels = task.batch(tasks.as_seed(0), 0)
        assert rows.shape == (16, side * side) and labels.shape == (16,) and task.classes == 10
        assert 0 <= rows.numpy().min() and 0.9 < rows.numpy().max() <= 1


@pytest.mark.parametrize(
    "text",
    [
        "residual_net(dataset=cifar10)",
        "residual_net(layers=0)",
        "highway_net(gate_bias=open)",
        "row_rnn(hidden=0)",
        "row_rnn(activation=cosine)",
        "row_rnn(layers=2)",
    ],
)
def test_arguments_out_of_range_are_refused(text):
    with pytest.raises(ValueError, match="Received:"):
        tasks.get(text)


@pytest.mark.parametrize("text", NETWORKS)
def test_a_task_comes_back_from_its_configuration(text):
    task_laws.the_configuration_comes_back(tasks.get(text))
