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


@pytest.fixture
def always(monkeypatch):
    """Steps are compiled however small the model is."""
    monkeypatch.setattr(compilation, "LEAST_FLOATS", 0)


def fitted(rule, **compiled):
    """Weights of a small model after `fit` without jit, and its optimizer."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(2)])
    optimizer = LearnedOptimizer(rule=rule, total_steps=10, clipnorm=1.0, weight_decay=0.01)
    model.compile(optimizer, "mse", jit_compile=False, **compiled)
    generator = np.random.default_rng(0)
    rows, targets = generator.normal(size=(40, 3)), generator.normal(size=(40, 2))
    model.fit(rows, targets, batch_size=8, epochs=2, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize("run_eagerly", [False, True])
@pytest.mark.parametrize("name", ["mixture", "rnnprop"])
def test_compiling_changes_no_result(name, run_eagerly, monkeypatch):
    plain = fitted(rules.get(name))
    assert not plain.optimizer._compiled_steps.taken
    monkeypatch.setattr(compilation, "LEAST_FLOATS", 0)
    compiled = fitted(rules.get(name), run_eagerly=run_eagerly)
    assert compiled.optimizer._compiled_steps.taken
    for a, b in zip(plain.get_weights(), compiled.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert int(compiled.optimizer.iterations) == 10


def test_a_rule_that_xla_cannot_compile_is_left_alone(always):
    class Printing(rules.SGD):
        supports_jit = False

    model = fitted(Printing(0.1))
    assert not model.optimizer._compiled_steps.taken


def test_across_replicas_nothing_is_compiled_inside(always):
    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        variables = [tf.Variable(tf.zeros([3]))]
        assert not compilation.pays(rules.SGD(0.1), variables, [])
    assert compilation.pays(rules.SGD(0.1), variables, [])


def test_a_step_that_is_not_finite_changes_nothing(always):
    variables = [keras.Variable(np.ones((4,), "float32"))]
    optimizer = LearnedOptimizer(rule=rules.Adam(0.1))
    optimizer.apply([tf.ones([4])], variables)
    before = [v.numpy() for v in (*variables, *optimizer.slots_of(variables[0]).values())]
    optimizer.apply([tf.constant([1.0, math.nan, 1.0, 1.0])], variables)
    after = [v.numpy() for v in (*variables, *optimizer.slots_of(variables[0]).values())]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(optimizer.skipped_steps.numpy()) == 1


def test_variables_without_gradients_stay_whichever_they_are(always):
    variables = [keras.Variable(np.ones((4,), "float32")) for _ in range(2)]
    optimizer = LearnedOptimizer(rule=rules.Adam(0.1))
    for present in ([0, 1], [0], [1]):
        before = [v.numpy() for v in variables]
        grads = [tf.ones([4]) if i in present else None for i in range(2)]
        optimizer.apply(grads, variables)
        moved = [i for i in range(2) if not np.array_equal(before[i], variables[i].numpy())]
        assert moved == present


def test_a_compiled_optimizer_is_copied_saved_and_exported(always, tmp_path):
    model = fitted(rules.get("mixture"))
    copied = copy.deepcopy(LearnedOptimizer(rule=rules.get("mixture")))
    assert not copied._compiled_steps.taken
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    export_training(model, tmp_path / "exported")
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    rows, targets = tf.ones([8, 3]), tf.ones([8, 2])
    exported.train_step(rows, targets)
    for other in (model, loaded):
        other.train_on_batch(rows, targets)
        np.testing.assert_allclose(other(rows), exported.predict(rows), rtol=1e-4, atol=1e-6)
