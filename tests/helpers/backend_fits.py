"""`fit` with every argument of an optimizer on one small problem, under Keras's backend.

KERAS_BACKEND=jax PYTHONPATH=.:tests python tests/helpers/backend_fits.py fits.npz
"""

import sys

import keras
import numpy as np

from l2l_tf import LearnedOptimizer

GENERATOR = np.random.default_rng(0)
ROWS = GENERATOR.normal(size=(64, 8)).astype("float32")
LABELS = ROWS[:, :3].argmax(axis=1).astype("int32")
WORDS = GENERATOR.integers(0, 20_000, size=(64, 4)).astype("int32")
BROKEN = np.where(np.arange(64)[:, None] == 20, np.float32(np.nan), ROWS)
START = [0.3 * GENERATOR.normal(size=s).astype("float32") for s in [(8, 6), (6,), (6, 3), (3,)]]
TABLE = 0.3 * GENERATOR.normal(size=(20_000, 8)).astype("float32")
BATCH = 16

# Name → (arguments of the optimizer, policy, rows).
CASES = {
    "nothing set": ({}, "float32", ROWS),
    "a hand-crafted rule": ({"rule": "adam"}, "float32", ROWS),
    "accumulation": ({"rule": "adam", "gradient_accumulation_steps": 2}, "float32", ROWS),
    "average": ({"rule": "adam", "use_ema": True, "ema_momentum": 0.9}, "float32", ROWS),
    "average written back": (
        {"rule": "adam", "use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
        "float32",
        ROWS,
    ),
    "clipped norms": ({"rule": "momentum", "clipnorm": 0.01}, "float32", ROWS),
    "clipped global norm": ({"rule": "momentum", "global_clipnorm": 0.01}, "float32", ROWS),
    "clipped values": ({"rule": "momentum", "clipvalue": 0.001}, "float32", ROWS),
    "weight decay": ({"rule": "adam", "weight_decay": 0.1}, "float32", ROWS),
    "scaled loss": ({"rule": "adam", "loss_scale_factor": 8.0}, "float32", ROWS),
    "own rates": (
        {"rule": "adam", "learning_rate_multipliers": {"kernel": 0.1}, "weight_decay": 0.1},
        "float32",
        ROWS,
    ),
    "schedule": (
        {"rule": "adam", "learning_rate": keras.optimizers.schedules.CosineDecay(0.01, 8)},
        "float32",
        ROWS,
    ),
    "explicit length": ({"preset": "rnnprop-general", "total_steps": 8}, "float32", ROWS),
    "skipped steps": ({"preset": "rnnprop-general"}, "float32", BROKEN),
    "embeddings": ({"preset": "rnnprop-general"}, "float32", WORDS),
    "half precision": ({"preset": "rnnprop-general"}, "mixed_bfloat16", ROWS),
    "scaled half precision": ({"preset": "rnnprop-general"}, "mixed_float16", ROWS),
    "skipped in half precision": ({"rule": "adam"}, "mixed_float16", BROKEN),
}


def model_of(optimizer, rows, policy="float32", **arguments):
    """A compiled model with weights that are given, of a layer's policy."""
    words = rows.dtype == np.int32
    layers = [keras.Input(rows.shape[1:], dtype=rows.dtype.name)]
    if words:
        layers += [keras.layers.Embedding(len(TABLE), 8), keras.layers.GlobalAveragePooling1D()]
    layers.append(keras.layers.Dense(6, "tanh", dtype=policy))
    model = keras.Sequential([*layers, keras.layers.Dense(3, "softmax", dtype="float32")])
    model.set_weights([TABLE, *START] if words else START)
    arguments.setdefault("loss", "sparse_categorical_crossentropy")
    scaled = policy == "mixed_float16"
    optimizer = keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer
    model.compile(optimizer, **arguments)
    return model


def inner(model):
    """The `LearnedOptimizer` of a model, also inside of loss scaling."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def fitted(name, epochs=2):
    """Weights after `fit`, flat, and `[updates, skipped steps]`."""
    arguments, policy, rows = CASES[name]
    model = model_of(LearnedOptimizer(**arguments), rows, policy)
    model.fit(rows, LABELS, BATCH, epochs, verbose=0, shuffle=False)
    counters = [int(inner(model).iterations), int(inner(model).skipped_steps.numpy())]
    return np.concatenate([w.ravel() for w in model.get_weights()]), np.array(counters)


def as_softmax_sees_them(weights):
    """The same weights, flat, without what the outputs of the last layer have in common."""
    *_, kernel, bias = START
    inner, last, offsets = np.split(weights, [-kernel.size - bias.size, -bias.size])
    last = last.reshape(kernel.shape)
    last = last - last.mean(axis=1, keepdims=True)
    return np.concatenate([inner, last.ravel(), offsets - offsets.mean()])


def main(path):
    found = {}
    for name in CASES:
        found[f"{name}/weights"], found[f"{name}/counters"] = fitted(name)
    np.savez(path, **found)


if __name__ == "__main__":
    main(sys.argv[1])
