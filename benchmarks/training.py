"""The optimizer's step as a share of a real train step."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks.steps import optimizers, reason_of
from tools.timing import interleaved

BATCH = 128


def models():
    """Dict name → function that makes `(model, inputs, labels)`, ten classes, 128 rows."""
    return {
        "mlp 784-256-256-10": _mlp,
        "resnet-20": _resnet20,
        "small transformer": _transformer,
    }


def measure(names, repeats, wanted=None):
    """Rows with the time of a train step, and of the same without the optimizer.

    Returns:
        List of dicts: `model`, `optimizer`, `weights`, `milliseconds`, `share`; or `skipped`.
    """
    rows = []
    for title, make in models().items():
        if wanted and title not in wanted:
            continue
        calls, weights = {}, 0
        for name in ("gradients alone", *names):
            keras.utils.set_random_seed(0)
            model, inputs, labels = make()
            weights = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
            try:
                optimizer = optimizers()[name]() if name in names else None
                calls[name] = _train_step(model, optimizer, inputs, labels)
                calls[name]()
            except (tf.errors.OpError, ValueError) as error:
                calls.pop(name, None)
                reason = reason_of(error)
                rows.append({"model": title, "optimizer": name, "skipped": reason})
        seconds = interleaved(calls, repeats, 0.1)
        bare = seconds["gradients alone"]
        rows += [
            {
                "model": title,
                "optimizer": name,
                "weights": weights,
                "milliseconds": 1e3 * value,
                "share": max(0.0, 1 - bare / value),
            }
            for name, value in seconds.items()
        ]
    return rows


def _train_step(model, optimizer, inputs, labels):
    if optimizer is not None:
        optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=True, autograph=False)
    def step(inputs, labels):
        with tf.GradientTape() as tape:
            logits = model(inputs, training=True)
            loss = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
            loss = tf.reduce_mean(loss)
        gradients = tape.gradient(loss, model.trainable_variables)
        if optimizer is None:
            return loss, [tf.reduce_sum(g) for g in gradients]
        optimizer.apply(gradients, model.trainable_variables)
        return loss, ()

    return lambda: step(inputs, labels)[0].numpy()


def _labels():
    return tf.constant(np.arange(BATCH) % 10)


def _mlp():
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(256, "relu"),
            layers.Dense(256, "relu"),
            layers.Dense(10),
        ]
    )
    return model, tf.random.stateless_normal([BATCH, 784], [0, 0]), _labels()


def _resnet20():
    def block(x, width, stride):
        y = layers.Conv2D(width, 3, stride, "same", use_bias=False)(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.Conv2D(width, 3, 1, "same", use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        if stride > 1:
            x = layers.Conv2D(width, 1, stride, use_bias=False)(x)
        return layers.ReLU()(layers.Add()([x, y]))

    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(16, 3, 1, "same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for stage, width in enumerate((16, 32, 64)):
        for index in range(3):
            x = block(x, width, 2 if stage and not index else 1)
    x = layers.Dense(10)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, x)
    return model, tf.random.stateless_normal([BATCH, 32, 32, 3], [0, 0]), _labels()


def _transformer(width=64, length=32, blocks=2, vocabulary=1000):
    inputs = keras.Input((length,), dtype="int32")
    x = layers.Embedding(vocabulary, width)(inputs)
    for _ in range(blocks):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, width // 4)(y, y)])
        y = layers.Dense(4 * width, "gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(width)(y)])
    x = layers.Dense(10)(layers.GlobalAveragePooling1D()(x))
    rows = np.random.default_rng(0).integers(0, vocabulary, (BATCH, length))
    return keras.Model(inputs, x), tf.constant(rows, tf.int32), _labels()
