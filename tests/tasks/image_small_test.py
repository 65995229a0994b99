"""Attention and convolution on small images: shapes, batching over tasks, and learning."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import tasks
from l2l_tf.tasks import image_small
from l2l_tf.testing import task_laws

TASKS = ("image_attention", "image_patches", "image_tokens(levels=2)")


@pytest.fixture(autouse=True)
def rows(monkeypatch):
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, 600).astype("int32")
    pixels = generator.normal(size=(600, 64)).astype("float32")
    pixels[np.arange(600), labels * 6] += 3.0
    splits = {
        split: (tf.constant(pixels[a:b]), tf.constant(labels[a:b]))
        for split, (a, b) in {
            "train": (0, 400),
            "validation": (400, 500),
            "test": (500, 600),
        }.items()
    }
    monkeypatch.setattr(image_small, "small_images", lambda dataset, size: splits)
    return splits


def test_tokens_are_patches_and_rare_ones_exist(rows):
    task = tasks.get("image_tokens(levels=2,context=2)")
    words, following = task.splits()["train"]
    assert words.shape == (400 * 14, 2) and following.shape == (400 * 14,)
    pixels = rows["train"][0].numpy()
    bright = (pixels > np.quantile(pixels, 0.5)).reshape(400, 8, 8)
    # The third patch of the first image: rows 0 and 1, columns 4 and 5, lowest digit first.
    expected = sum(2**i * bright[0, i // 2, 4 + i % 2] for i in range(4))
    assert following[0] == expected and words[1, 1] == expected
    assert 0 <= words.numpy().min() and following.numpy().max() < task.classes == 16


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.quick("image_attention")
def test_many_optimizees_at_once_are_each_one_alone(name):
    task_laws.several_at_once_equal_them_one_by_one(tasks.get(name), rtol=1e-5)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.quick("image_patches")
def test_adam_learns(name, rows, monkeypatch):
    if name.startswith("image_tokens"):
        # Bright images and dark ones: a patch tells what follows.
        lit = {
            split: (pixels + np.where(np.arange(len(pixels)) % 2, 2.0, -2.0)[:, None], labels)
            for split, (pixels, labels) in rows.items()
        }
        monkeypatch.setattr(image_small, "small_images", lambda dataset, size: lit)
    task = tasks.get(name)
    params, state = task.init(tasks.as_seed(0))
    variables = [tf.Variable(p) for p in params]
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(variables)

    @tf.function(autograph=False)
    def step(number):
        with tf.GradientTape() as tape:
            loss, _, _ = task.loss(variables, state, task.batch(tasks.as_seed(2), number))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    losses = [float(step(tf.constant(number))) for number in range(200)]
    assert np.mean(losses[-10:]) < 0.5 * losses[0]
    _, metrics = task.evaluate([v.value() for v in variables], state, task.full_batch("test"))
    assert metrics["accuracy"] > 0.3


def test_patches_are_a_strided_convolution():
    task = tasks.get("image_patches")
    params, state = task.init(tasks.as_seed(3))
    rows, _ = task.batch(tasks.as_seed(0), 0)
    scores, _ = task.scores(params, state, rows, training=True)
    pixels = tf.pad(tf.reshape(rows, [-1, 8, 8, 1]), [[0, 0], [1, 1], [1, 1], [0, 0]])
    pixels = tf.nn.relu(tf.nn.conv2d(pixels, params[0], 2, "VALID") + params[1])
    pixels = tf.pad(pixels, [[0, 0], [1, 1], [1, 1], [0, 0]])
    pixels = tf.nn.relu(tf.nn.conv2d(pixels, params[2], 2, "VALID") + params[3])
    expected = tf.reshape(pixels, [rows.shape[0], -1]) @ params[4] + params[5]
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("arguments", ["heads=3", "width=0", "dataset=letters", "activation=sin"])
def test_wrong_arguments_are_told(arguments):
    with pytest.raises(ValueError, match="Received"):
        tasks.get(f"image_attention({arguments})")
