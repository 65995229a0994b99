"""Every task of the suite that needs no prepared data takes steps and gets better."""

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf.evaluation import suite
from l2l_tf.evaluation.suite import models, objectives, sources
from l2l_tf.evaluation.suite.keras_task import KerasTask
from l2l_tf.evaluation.suite.pretraining import fine_tuned
from l2l_tf.tasks import as_seed

PREPARED = ("mnist", "fashion", "cifar10", "shakespeare")
ENTRIES = [
    entry
    for half in suite.SUITES["general"].halves.values()
    for entry in half
    if not entry.name.startswith(PREPARED) and not entry.name.endswith(("_100", "_10000"))
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
@pytest.mark.quick("friedman", "breast_cancer_highway")
def test_gradient_descent_lowers_the_loss_on_one_batch(entry):
    task = entry.make()
    params, state = task.init(as_seed(0))
    batch = task.batch(as_seed(0), 0)
    with tf.GradientTape() as tape:
        tape.watch(params)
        before = task.loss(params, state, batch)[0]
    gradients = tape.gradient(before, params)
    assert all(g is not None for g in gradients)
    dense = [tf.convert_to_tensor(g) for g in gradients]
    size = sum(float(tf.reduce_sum(g**2)) for g in dense)
    assert np.isfinite(size) and size > 0
    # A step that lowers the loss by a thousandth, were the loss a plane.
    rate = 1e-3 * float(before) / size
    moved = [p - rate * g for p, g in zip(params, dense, strict=True)]
    after = task.loss(moved, state, batch)[0]
    assert float(before) * 0.9985 < float(after) < float(before)
    held_out = task.full_batch("test")
    assert held_out[0].shape[0] >= 30


def test_held_out_rows_are_never_trained_on():
    for name in ("iris", "digits"):
        table = sources.table(name)
        train = {row.tobytes() for row in table["train"][0]}
        # Iris and digits hold a few equal rows.
        assert np.mean([row.tobytes() in train for row in table["test"][0]]) < 0.1


def test_label_noise_changes_training_labels_alone():
    clean = sources.table("digits")
    noisy = sources.noisy(clean, 0.3, 10)
    assert 0.2 < np.mean(clean["train"][1] != noisy["train"][1]) < 0.3
    assert (clean["test"][1] == noisy["test"][1]).all()


def test_characters_predict_their_successors():
    splits = sources.characters("abcdefghij" * 60, 5, rows=8)
    rows, targets = splits["train"]
    assert rows.shape == targets.shape == (8, 5)
    assert (rows[:, 1:] == targets[:, :-1]).all() and len(np.unique(rows)) == 10


def test_words_predict_the_next_one():
    rows, targets = sources.next_words("one two three four " * 40, 2, 10)["train"]
    successor = {}
    for (_, last), target in zip(rows, targets, strict=True):
        assert successor.setdefault(int(last), int(target)) == int(target)
    assert len(successor) == 4


def test_the_exact_solution_of_burgers_without_friction_has_no_residual():
    class Rest:
        """u = 0 solves the equation and its ends, and misses the start by sin πx alone."""

        def __call__(self, points):
            return 0.0 * tf.reduce_sum(points, axis=1, keepdims=True) ** 3

    points = tf.constant(np.random.default_rng(0).uniform(-1, 1, (512, 2)).astype("float32"))
    loss, _ = objectives.burgers(Rest(), points)
    expected = tf.reduce_mean(tf.sin(np.pi * points[:, 1]) ** 2)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_residual_and_highway_nets_pass_their_input_on():
    net = models.highway(8, 8, 3, 2)
    layer = net.layers[1]
    layer.gate.set_weights([np.zeros((8, 8)), np.full(8, -40.0)])
    x = np.random.default_rng(0).normal(size=(4, 8)).astype("float32")
    np.testing.assert_allclose(layer(x), x, atol=1e-6)


def test_a_network_that_is_trained_first_may_be_named_before_it_is_drawn():
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(64, 4)).astype("float32")
    splits = {"train": (rows, (rows[:, 0] > 0).astype("int32")), "test": (rows, rows[:, 0] > 0)}

    def build():
        return models.mlp(4, [8], 2, "relu")

    def tuned():
        return fine_tuned(build, lambda: splits, 2)

    task = KerasTask("tuned", tuned, lambda: splits, objectives.cross_entropy, 16)
    assert "tuned" in repr(task)
    hidden, again = task.init(as_seed(0))[0], task.init(as_seed(1))[0]
    np.testing.assert_array_equal(hidden[0], again[0])
    assert np.abs(hidden[0] - build().get_weights()[0]).max() > 0.01
