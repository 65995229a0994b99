"""Constraints: what they take back is no movement, and no rule's steps grow by it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import LearnedOptimizer
from l2l_tf.optimizer.projection import projected

CONSTRAINTS = {
    "non_neg": keras.constraints.NonNeg(),
    "unit_norm": keras.constraints.UnitNorm(axis=0),
    "max_norm": keras.constraints.MaxNorm(1.0, axis=0),
    "clipped": lambda w: tf.clip_by_value(w, -0.5, 0.5),
    "masked": lambda w: w * tf.constant([[1.0], [0.0], [1.0], [1.0]]),
}


def weights(constraint):
    start = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    return tf.convert_to_tensor(constraint(tf.constant(start)))


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
@pytest.mark.parametrize("name", CONSTRAINTS)
def test_what_is_left_of_a_gradient_is_what_a_small_step_along_it_does(name, scale):
    constraint = CONSTRAINTS[name]
    value = weights(constraint)
    gradient = tf.constant(np.random.default_rng(1).normal(size=(4, 3)), tf.float32)
    found = projected(scale * gradient, value, constraint).numpy() / scale
    step = 1e-3
    moved = (value - constraint(value - step * gradient)).numpy() / step
    np.testing.assert_allclose(found, moved, atol=0.02 * np.abs(gradient).max())


def test_weights_held_at_a_bound_have_no_gradient_and_others_keep_theirs():
    value = tf.constant([0.0, 0.0, 1.0, 2.0])
    gradient = tf.constant([1.0, -1.0, 1.0, 0.0])
    found = projected(gradient, value, keras.constraints.NonNeg())
    np.testing.assert_allclose(found, [0.0, -1.0, 1.0, 0.0], rtol=1e-5)
    assert found[0] == 0 and found[3] == 0


@pytest.mark.parametrize("name", ["non_neg", "unit_norm"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_every_dtype_and_weights_that_are_all_zero(name, dtype):
    gradient = tf.constant([[-1.0, 1.0], [-2.0, 3.0]], dtype)
    found = projected(gradient, tf.zeros([2, 2], dtype), CONSTRAINTS[name])
    assert found.dtype == gradient.dtype and np.isfinite(found.numpy()).all()
    if name == "non_neg":
        np.testing.assert_allclose(found, [[-1, 0], [-2, 0]], rtol=1e-2)


def test_keras_counterparts_see_the_gradient_as_keras_gives_it():
    variables = []
    for optimizer in (LearnedOptimizer(0.1, rule="adam"), keras.optimizers.Adam(0.1)):
        start = np.array([0.0, 1.0, 0.05], "float32")
        variables.append(keras.Variable(start))
        variables[-1].constraint = keras.constraints.NonNeg()  # As layers of Keras 3.8 set it.
        for gradient in ([1.0, 1, 1], [1, -1, 1], [-0.1, 1, 1], [-1, 1, -1]):
            optimizer.apply([tf.constant(gradient, tf.float32)], variables[-1:])
    np.testing.assert_allclose(variables[0], variables[1], rtol=1e-5)


def least_squares(constraint, learner, target):
    """Losses of a fit of `[20, 10]` numbers, and its optimizer."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(512, 20)).astype("float32")
    keras.utils.set_random_seed(0)
    layer = keras.layers.Dense(10, use_bias=False, kernel_constraint=constraint)
    model = keras.Sequential([keras.layers.Input((20,)), layer])
    model.compile(learner, "mse")
    wanted = rows @ target(generator.normal(size=(20, 10))).astype("float32")
    return model.fit(rows, wanted, 32, 20, verbose=0).history["loss"]


@pytest.mark.parametrize("name", ["non_neg", "max_norm"])
def test_steps_do_not_grow_by_what_a_constraint_takes_back(name):
    """Half of the kernel is held at zero, or every column at its norm, for the whole run."""
    optimizer = LearnedOptimizer()
    losses = least_squares(CONSTRAINTS[name], optimizer, lambda w: w)
    adam = least_squares(CONSTRAINTS[name], keras.optimizers.Adam(0.01), lambda w: w)
    assert losses[-1] < 1.02 * adam[-1] and max(losses[1:]) < 1.2 * losses[0]
    assert optimizer._shared["log_rate"].numpy().max() < 2.0


def test_a_constraint_holds_in_a_compiled_step_of_a_traced_loop():
    variable = keras.Variable(np.full((4, 3), 0.1, "float32"))
    variable.constraint = CONSTRAINTS["non_neg"]
    optimizer = LearnedOptimizer()
    optimizer.build([variable])
    step = tf.function(lambda g: optimizer.apply([g], [variable]), autograph=False)
    for _ in range(5):
        step(tf.ones([4, 3]))
    assert (variable.numpy() >= 0).all()
