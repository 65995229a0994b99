"""The step compiled inside an optimizer, whatever the program around it does."""

import copy
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import LearnedOptimizer, rules
from l2l_tf.export import export_training
from l2l_tf.optimizer import compilation

GRADIENTS = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


@pytest.fixture
def always(monkeypatch):
    """Steps are compiled however small the model is."""
    monkeypatch.setattr(compilation, "LIKELY_STEPS", 10**9)


def two_variables():
    return [keras.Variable(np.ones((4,), "float32")) for _ in range(2)]


def after_six_steps(in_graph):
    """Weights and slots after six steps of Adam with clipping and decay; the optimizer."""
    variables = two_variables()
    optimizer = LearnedOptimizer(rule=rules.Adam(0.1), clipnorm=1.0, weight_decay=0.01)
    optimizer.build(variables)

    def step(gradient):
        optimizer.apply([gradient, 2.0 * gradient], variables)

    take = tf.function(step, autograph=False) if in_graph else step
    for gradient in GRADIENTS:
        take(tf.constant(gradient))
    slots = [slot for v in variables for slot in optimizer.slots_of(v).values()]
    return [v.numpy() for v in (*variables, *slots)], optimizer


@pytest.mark.parametrize("in_graph", [True, False])
def test_compiling_changes_no_result(in_graph, always, monkeypatch):
    compiled, optimizer = after_six_steps(in_graph)
    assert optimizer._own_steps.compiled and int(optimizer.iterations.numpy()) == 6
    monkeypatch.setattr(compilation, "LIKELY_STEPS", 1)
    plain, optimizer = after_six_steps(in_graph)
    assert not optimizer._own_steps.compiled
    for a, b in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_small_models_and_many_small_variables_are_not_compiled():
    def pays(count, size, shared=0, steps=None):
        slots = [{"mean": np.zeros((size,))} for _ in range(count)]
        return compilation.pays(slots, {"means": np.zeros((shared,))}, steps)

    assert pays(1, 10**6)
    assert not pays(1, 10**4)
    assert not pays(200, 10**4)
    assert pays(20, 10**5)
    assert pays(1, 10, shared=10**6)
    # Whatever their size, a run that is long enough gets it back.
    assert pays(1, 10**4, steps=5000) and pays(200, 10**4, steps=5000)
    assert not pays(1, 10**6, steps=100)


def test_a_fit_of_many_steps_compiles_the_step_of_a_small_model_and_a_short_one_does_not():
    rows = np.zeros((64, 3), "float32")
    for epochs, callbacks in [(1, []), (9000, []), (9000, [keras.callbacks.EarlyStopping("loss")])]:
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        model.compile(LearnedOptimizer(), "mse")
        callbacks = [*callbacks, keras.callbacks.LambdaCallback(on_epoch_end=stop_of(model))]
        model.fit(rows, np.zeros((64, 2)), epochs=epochs, verbose=0, callbacks=callbacks)
        assert model.optimizer._own_steps.compiled is (epochs > 1)


def stop_of(model):
    """A function that ends a `fit`, whatever it is called with."""
    return lambda *args: setattr(model, "stop_training", True)


def test_rules_that_xla_cannot_compile_and_replicas_are_left_alone():
    class Printing(rules.SGD):
        supports_jit = False

    variables = [tf.zeros([3])]
    assert compilation.possible(rules.SGD(0.1), variables)
    assert not compilation.possible(Printing(0.1), variables)
    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        assert not compilation.possible(rules.SGD(0.1), variables)


def compiled_by_itself(optimizer, **arguments):
    """Whether a step in a model that is compiled with these arguments is compiled by itself."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(optimizer, "mse", **arguments)
    model.train_on_batch(tf.ones([8, 3]), tf.ones([8, 2]))
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)._own_steps.compiled


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_model_without_xla_has_an_optimizer_without_it(wrapped, always):
    def optimizer(**arguments):
        inner = LearnedOptimizer(rule=rules.Momentum(0.1), **arguments)
        return keras.optimizers.LossScaleOptimizer(inner) if wrapped else inner

    assert not compiled_by_itself(optimizer(), jit_compile=False)
    assert not compiled_by_itself(optimizer(), run_eagerly=True)
    assert compiled_by_itself(optimizer(jit_compile=True), jit_compile=False)
    # What Keras finds for "auto" where there is no GPU is nobody's wish.
    assert compiled_by_itself(optimizer()) and compiled_by_itself(optimizer(), jit_compile="auto")


class Counting(rules.SGD):
    """Counts how often it is asked."""

    asked = 0

    def update(self, *args):
        Counting.asked += 1
        return super().update(*args)


def test_an_eager_loop_asks_the_rule_once_and_a_train_step_that_is_traced_twice_too(monkeypatch):
    monkeypatch.setattr(Counting, "asked", 0)
    variables = two_variables()
    optimizer = LearnedOptimizer(rule=Counting(0.1))
    for number in range(1, 6):
        optimizer.apply([tf.ones([4])] * 2, variables)
        np.testing.assert_allclose(variables[0], 1.0 - 0.1 * number, rtol=1e-5)
    assert Counting.asked == 1
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(LearnedOptimizer(rule=Counting(0.1)), "mse", metrics=["mae"])
    model.fit(tf.ones([8, 3]), tf.ones([8, 2]), epochs=2, verbose=0)
    assert Counting.asked == 2


def test_a_rule_can_be_looked_into_in_a_model_that_runs_eagerly(monkeypatch):
    monkeypatch.setattr(Counting, "asked", 0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(LearnedOptimizer(rule=Counting(0.1)), "mse", run_eagerly=True)
    model.fit(tf.ones([8, 3]), tf.ones([8, 2]), epochs=3, verbose=0)
    assert Counting.asked == 3


def test_an_optimizer_can_be_told_not_to_use_xla(always):
    variables = two_variables()
    for jit_compile in (None, True, False):
        optimizer = LearnedOptimizer(rule=rules.SGD(0.1), jit_compile=jit_compile)
        optimizer.apply([tf.ones([4])] * 2, variables)
        assert optimizer._own_steps.compiled is (jit_compile is not False)
        again = LearnedOptimizer.from_config(optimizer.get_config())
        assert again.jit_compile is jit_compile
    with pytest.raises(ValueError, match="Received: jit_compile='auto'"):
        LearnedOptimizer(rule=rules.SGD(0.1), jit_compile="auto")


def test_a_step_that_is_not_finite_changes_nothing(always):
    variables = two_variables()[:1]
    optimizer = LearnedOptimizer(rule=rules.Momentum(0.1))
    optimizer.apply([tf.ones([4])], variables)
    kept = [*variables, *optimizer.slots_of(variables[0]).values()]
    before = [v.numpy() for v in kept]
    optimizer.apply([tf.constant([1.0, math.nan, 1.0, 1.0])], variables)
    for value, variable in zip(before, kept, strict=True):
        np.testing.assert_array_equal(value, variable.numpy())
    assert int(optimizer.skipped_steps.numpy()) == 1


def test_variables_without_gradients_stay_whichever_they_are(always):
    variables = two_variables()
    optimizer = LearnedOptimizer(rule=rules.SGD(0.1))
    for present in ([0, 1], [0], [1]):
        before = [v.numpy() for v in variables]
        grads = [tf.ones([4]) if i in present else None for i in range(2)]
        optimizer.apply(grads, variables)
        moved = [i for i in range(2) if not np.array_equal(before[i], variables[i].numpy())]
        assert moved == present


def test_a_compiled_optimizer_is_copied_and_exported(always, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    optimizer = LearnedOptimizer(rule=rules.Momentum(0.1), jit_compile=True)
    model.compile(optimizer, "mse", jit_compile=False)
    rows, targets = tf.ones([8, 3]), tf.ones([8, 2])
    model.train_on_batch(rows, targets)
    assert model.optimizer._own_steps.compiled
    assert not copy.deepcopy(model.optimizer._own_steps).compiled
    export_training(model, tmp_path / "exported")
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    exported.train_step(rows, targets)
    model.train_on_batch(rows, targets)
    np.testing.assert_allclose(model(rows), exported.predict(rows), rtol=1e-5, atol=1e-6)
