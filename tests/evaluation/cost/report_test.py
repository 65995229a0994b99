"""`cost_report`: any model, left as it was."""

import dataclasses
import math
import random

import keras
import numpy as np
import pytest

import l2l_tf
from l2l_tf import LearnedOptimizer, cost_report, presets, rules
from l2l_tf.evaluation import CostReport
from l2l_tf.presets import registry

QUICK = {"repeats": 1, "batch_size": 4}


def rows(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def net():
    return keras.Sequential(
        [
            keras.layers.Input((5,)),
            keras.layers.Dense(4, "relu", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3),
        ]
    )


class Subclassed(keras.Model):
    """Two inputs in a dict."""

    def __init__(self):
        super().__init__()
        self.left, self.right = keras.layers.Dense(3), keras.layers.Dense(3)

    def call(self, inputs, training=False):
        return self.left(inputs["left"]) + self.right(inputs["right"])


def subclassed():
    model = Subclassed()
    model({"left": rows(4, 5), "right": rows(4, 2)})
    return model


def several():
    """Two inputs in a list, one of them of integers, and two outputs."""
    words, numbers = keras.Input((6,), dtype="int32"), keras.Input((5,))
    embedded = keras.layers.Embedding(10, 4)(words)
    joined = keras.layers.Concatenate()([keras.layers.Flatten()(embedded), numbers])
    outputs = [keras.layers.Dense(n, name=f"of_{n}")(joined) for n in (2, 3)]
    return keras.Model([words, numbers], outputs)


@pytest.mark.parametrize("build", [net, subclassed, several], ids=lambda build: build.__name__)
def test_any_model_is_measured(build):
    model = build()
    report = cost_report(model, LearnedOptimizer(rule="adam"), **QUICK)
    assert report.weights == sum(math.prod(v.shape) for v in model.trainable_variables)
    assert report.variables == len(model.trainable_variables)
    assert report.batch_size == 4 and report.jit_compile is False
    numbers = dataclasses.asdict(report)
    assert all(value > 0 for name, value in numbers.items() if name.endswith(("ds", "flops")))
    # The embedding's slices are no products, but all its rows have a state.
    assert report.adam_state_bytes == report.optimizer_state_bytes == 8 * report.weights


def test_model_weights_and_optimizer_stay_as_they_were():
    model, x, y = net(), rows(16, 5), np.zeros(16)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rule = rules.LSTM(hidden_size=2, layers=1)
    model.compile(LearnedOptimizer(rule=rule), loss, metrics=["accuracy"])
    model.fit(x, y, 8, verbose=0)
    optimizer, function = model.optimizer, model.train_function

    def state():
        kept = [*model.variables, *optimizer.variables, *model.metrics_variables]
        return [v.numpy() for v in kept]

    before, drawn = state(), random.getstate()
    cost_report(model, optimizer, inputs=x, labels=y, repeats=1)
    for old, new in zip(before, state(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.optimizer is optimizer and model.train_function is function
    assert random.getstate() == drawn and not model._layers[0]._losses
    assert not optimizer._contested.numpy()
    model.fit(x, y, 8, verbose=0)


def test_one_that_was_never_compiled_is_not_compiled_afterwards():
    model = net()
    cost_report(model, "sgd", **QUICK)
    assert not model.compiled and getattr(model, "optimizer", None) is None
    assert model._jit_compile is None


def test_without_an_optimizer_it_is_the_default(monkeypatch, tmp_path):
    presets.save_preset(tmp_path / "quick", rules.Adam(0.01), "# Quick\n")
    monkeypatch.setitem(registry._REGISTERED, "quick", tmp_path / "quick")
    monkeypatch.setattr(registry, "DEFAULT", "quick")
    assert cost_report(net(), **QUICK).optimizer == "`quick`"


def test_several_outputs_have_the_losses_that_were_compiled():
    model = several()
    model.compile("adam", {"of_2": "mse", "of_3": "mae"}, loss_weights={"of_2": 1.0, "of_3": 0.5})
    inputs = [np.zeros((8, 6), "int32"), rows(8, 5)]
    labels = {"of_2": rows(8, 2), "of_3": rows(8, 3)}
    report = cost_report(model, "sgd", inputs, labels, repeats=1)
    assert report.batch_size == 8
    assert not model._compile_loss.built


def test_operations_of_a_dense_layer_are_counted_as_by_hand():
    model = keras.Sequential([keras.layers.Input((50,)), keras.layers.Dense(30)])
    report = cost_report(model, "sgd", batch_size=8, repeats=1)
    products = 2 * (2 * 8 * 50 * 30)  # Forward, and the kernel's gradient.
    elementwise = 8 * 30
    assert products + elementwise <= report.forward_backward_flops <= products + 8 * elementwise
    # SGD: a product with the rate, and what is taken off the variable.
    assert report.optimizer_flops == 2 * report.weights + 1  # And `iterations`.
    assert (
        report.flops_per_weight == pytest.approx(2, abs=0.01) and report.state_bytes_per_weight == 0
    )


def test_what_the_rule_keeps_and_learned_is_in_the_figures():
    optimizer = LearnedOptimizer(rule=rules.LSTM(hidden_size=4, layers=1))
    report = cost_report(net(), optimizer, **QUICK)
    state = optimizer.rule.init([np.zeros((5, 4), "float32")]).variables[0]
    floats = sum(math.prod(t.shape) for t in state.values()) / 20
    assert report.state_bytes_per_weight == pytest.approx(4 * floats, rel=0.1)
    assert report.optimizer_flops > 10 * report.adam_flops
    assert not optimizer.built


def test_whole_steps_are_compiled_where_that_is_wanted():
    model = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(3)])
    assert cost_report(model, "sgd", jit_compile=True, **QUICK).jit_compile
    model.compile("sgd", "mse", jit_compile=True)
    assert cost_report(model, "sgd", **QUICK).jit_compile


def report_of(**changes):
    values = {field.name: 1 for field in dataclasses.fields(CostReport)}
    return CostReport(
        **{
            **values,
            "optimizer": "LearnedOptimizer",
            "jit_compile": False,
            "weights": 10,
            **changes,
        }
    )


def test_break_even_in_steps_and_in_seconds():
    report = report_of(
        adam_milliseconds=10.0,
        optimizer_milliseconds=15.0,
        adam_first_seconds=1.0,
        optimizer_first_seconds=3.0,
    )
    assert report.break_even == 1.5
    # At twice the speed it gains 2.5 ms a step of Adam's, and is 2 s behind: 800 steps.
    assert report.break_even_seconds(2.0) == pytest.approx(1.0 + 800 * 0.01)
    assert report.break_even_seconds(1.5) == math.inf
    same_start = dataclasses.replace(report, optimizer_first_seconds=1.0)
    assert same_start.break_even_seconds(1.5) == 1.0
    with pytest.raises(ValueError, match="Received: speed_up=0"):
        report.break_even_seconds(0)


def test_the_table_keeps_within_a_hundred_columns():
    report = report_of(
        optimizer="`lstm-digits-held-out`",
        weights=123_456_789,
        optimizer_milliseconds=12345.678,
        adam_milliseconds=0.123456,
        optimizer_flops=123_456_789_012,
        optimizer_state_bytes=40_000_000_000,
    )
    text = str(report)
    assert max(map(len, text.splitlines())) <= 100
    assert "123,456,789 weights" in text and "Break-even" in text and "Adam" in text


@pytest.mark.parametrize(
    "model, arguments, error, received",
    [
        (lambda: "a net", {}, TypeError, "model='a net'"),
        (lambda: keras.Sequential([keras.layers.Dense(1)]), {}, ValueError, "built=False"),
        (Subclassed, {}, ValueError, "0 trainable variables"),
        (net, {"optimizer": 3}, TypeError, "3"),
        (net, {"batch_size": 0}, ValueError, "batch_size=0"),
        (net, {"repeats": 1.5}, ValueError, "repeats=1.5"),
        (net, {"labels": np.zeros(4)}, ValueError, "which has no loss"),
    ],
)
def test_what_cannot_be_measured_is_named(model, arguments, error, received):
    with pytest.raises(error) as raised:
        cost_report(model(), **arguments)
    assert received in str(raised.value).rsplit("Received: ", 1)[1]


def test_inputs_that_no_spec_tells_are_asked_for():
    open_length = keras.Sequential([keras.layers.Input((None, 3)), keras.layers.LSTM(2)])
    with pytest.raises(ValueError, match=r"Received: inputs=None with an input of shape \(None"):
        cost_report(open_length)
    assert cost_report(open_length, "sgd", rows(4, 6, 3), repeats=1).batch_size == 4

    class Many(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, left, right):
            return self.dense(left + right)

    model = Many()
    model(rows(4, 3), rows(4, 3))
    with pytest.raises(ValueError, match="Received: 'many.*', called with left, right"):
        cost_report(model)

    class Unknown(keras.Model):
        def build(self, *_):
            self.kernel = self.add_weight((3, 2), name="kernel")

        def call(self, inputs):
            return inputs @ self.kernel

    model = Unknown()
    model.build()
    with pytest.raises(ValueError, match="Received: inputs=None with 'unknown"):
        cost_report(model)


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="Received: KERAS_BACKEND=jax"):
        cost_report(net())


def test_it_stands_at_the_top_and_comes_from_its_room():
    assert l2l_tf.cost_report is l2l_tf.evaluation.cost_report
    assert {"cost_report", "register_task"} <= set(dir(l2l_tf))
