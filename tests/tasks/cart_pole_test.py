"""Cart and pole: the physics, what the loss is, and its gradient."""

import math

import numpy as np
import tensorflow as tf

from l2l_tf import tasks
from l2l_tf.tasks import cart_pole
from l2l_tf.testing import check_task


def pushed(state, force):
    """A state 20 ms on, by the equations of Barto, Sutton and Anderson (1983) as they stand."""
    place, speed, angle, turning = state
    sine, cosine = math.sin(angle), math.cos(angle)
    inner = (-force - 0.1 * 0.5 * turning**2 * sine) / 1.1
    falling = (9.8 * sine + cosine * inner) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
    gaining = (force + 0.1 * 0.5 * (turning**2 * sine - falling * cosine)) / 1.1
    change = np.array([speed, gaining, turning, falling])
    return np.array(state) + 0.02 * change


def test_the_pole_moves_as_its_equations_say():
    generator = np.random.default_rng(0)
    states = generator.normal(size=(50, 4)) * [1.0, 1.0, 0.1, 1.0]
    forces = generator.choice([-10.0, 10.0], 50)
    moved = cart_pole._moved(tf.constant(states, tf.float32), tf.constant(forces, tf.float32))
    expected = [pushed(s, f) for s, f in zip(states, forces, strict=True)]
    np.testing.assert_allclose(moved, expected, rtol=1e-5, atol=1e-6)


def lengths(params, states, uniforms, steps):
    """Steps of each episode, one after another, in NumPy."""
    kernel, bias, output, output_bias = (np.asarray(p, "float64") for p in params)
    found = []
    for state, drawn in zip(np.asarray(states, "float64"), np.asarray(uniforms), strict=True):
        for time in range(steps):
            left, right = np.tanh(state @ kernel + bias) @ output + output_bias
            force = 10.0 if drawn[time] < 1.0 / (1.0 + math.exp(left - right)) else -10.0
            state = pushed(state, force)
            if abs(state[0]) > 2.4 or abs(state[2]) > math.radians(12):
                break
        found.append(time + 1)
    return found


def test_the_loss_is_the_share_of_steps_without_balance():
    task = tasks.get("cart_pole(steps=60)")
    params, _ = task.init(tasks.as_seed(1))
    batch = task.batch(tasks.as_seed(2), 0)
    loss, metrics = task.evaluate(params, [], batch)
    expected = np.mean(lengths(params, *batch, 60)) / 60
    np.testing.assert_allclose(1.0 - loss, expected, atol=0.02)
    np.testing.assert_allclose(metrics["balanced"], 1.0 - loss)


def test_the_gradient_is_that_of_the_expected_loss():
    task = tasks.get("cart_pole(hidden=1,steps=20,batch_size=20000)")
    params, _ = task.init(tasks.as_seed(0))
    params[2] = tf.constant([[0.5, -1.5]])

    def expected(moved):
        """Mean loss of other episodes: the same numbers at both ends."""
        batch = task.batch(tasks.as_seed(7), 0)
        return float(task.loss([*moved], [], batch)[0])

    with tf.GradientTape() as tape:
        tape.watch(params)
        loss, _, _ = task.loss(params, [], task.batch(tasks.as_seed(3), 0))
    found = tape.gradient(loss, params)
    # Towards pushing right in each state: the output's two columns go against each other.
    difference = 0.2
    for index, place in ((2, (0, 1)), (0, (3, 0))):
        ends = []
        for sign in (1.0, -1.0):
            moved = [p.numpy() for p in params]
            moved[index][place] += sign * difference
            ends.append(expected(map(tf.constant, moved)))
        slope = (ends[0] - ends[1]) / (2 * difference)
        assert abs(slope) > 1e-3
        np.testing.assert_allclose(found[index].numpy()[place], slope, rtol=0.25)


def test_a_policy_learns_to_balance():
    task = tasks.get("cart_pole")
    params, _ = task.init(tasks.as_seed(4))
    variables = [tf.Variable(p) for p in params]
    optimizer = tf.keras.optimizers.Adam(0.03)
    optimizer.build(variables)

    @tf.function
    def step(number):
        with tf.GradientTape() as tape:
            loss, _, _ = task.loss(variables, [], task.batch(tasks.as_seed(5), number))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    losses = [float(step(tf.constant(number))) for number in range(120)]
    assert np.mean(losses[:5]) > 0.6
    assert np.mean(losses[-10:]) < 0.35


def test_it_is_a_task_as_others_are():
    check_task(tasks.get("cart_pole(steps=10)"))
