"""The optimizer's step as a share of a real train step."""

import keras
import numpy as np
import tensorflow as tf

from benchmarks import architectures
from benchmarks.steps import optimizers, reason_of
from tools.timing import interleaved

BATCH = 128


def models():
    """Dict name → function that makes `(model, inputs, labels)`, ten classes, 128 rows."""
    return {
        "mlp 784-256-256-10": lambda: architectures.mlp(BATCH),
        "resnet-20": lambda: architectures.resnet20(BATCH),
        "small transformer": lambda: architectures.transformer(BATCH),
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
