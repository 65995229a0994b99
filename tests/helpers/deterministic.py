"""Trains and meta-trains under `enable_op_determinism`; prints digests of all bits at the end."""

import hashlib
import sys

import keras
import numpy as np
import tensorflow as tf

from l2l_tf import LearnedOptimizer
from l2l_tf.meta.estimators import PersistentEvolutionStrategies, TruncatedBPTT
from l2l_tf.meta.settings import Settings
from l2l_tf.meta.trainer import Trainer

WORDS = np.random.default_rng(0).integers(0, 20, (96, 8))
LABELS = WORDS.sum(axis=1) % 3


def digest(arrays):
    content = b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)
    return hashlib.sha256(content).hexdigest()


def trained(preset):
    """Repeated words, dropout, a convolution, and rows in another order in each epoch."""
    keras.utils.set_random_seed(3)
    layers = [
        keras.layers.Embedding(20, 6),
        keras.layers.Conv1D(8, 3, activation="relu"),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(3),
    ]
    model = keras.Sequential([keras.layers.Input((8,)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(LearnedOptimizer(preset=preset), loss)
    model.fit(WORDS, LABELS, 16, 3, verbose=0)
    return [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]


def compiled():
    """A loop of one's own, whose step XLA compiles."""
    variables = [keras.Variable(keras.random.normal((40, 30), seed=i)) for i in range(2)]
    optimizer = LearnedOptimizer(jit_compile=True)
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(variables[0] @ tf.transpose(variables[1]) - 1.0))
        optimizer.scale_loss(loss)
        optimizer.apply(tape.gradient(loss, variables), variables)
    return [v.numpy() for v in variables]


def meta_trained(estimator):
    settings = Settings(
        meta_steps=4, trajectories=(4,), validate_every=2, num_validation_tasks=2, seed=5
    )
    trainer = Trainer(
        "rnnprop(hidden_size=4,layers=1)", ["digits_mlp(hidden=4)"], estimator, settings=settings
    )
    trainer.fit(verbose=0)
    return [v.numpy() for v in trainer.variables.values()]


tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(0)
for preset in sys.argv[1].split(","):
    print(preset, digest(trained(preset)))
print("compiled by itself", digest(compiled()))
for name, made in {
    "bptt": TruncatedBPTT(unroll=2, num_tasks=2),
    "pes": PersistentEvolutionStrategies(unroll=2, num_tasks=2),
}.items():
    print(name, digest(meta_trained(made)))
