"""A rule meta-trained on a Keras model and a `tf.data` pipeline of one's own.

The optimizee is a small conv net on scikit-learn's digits; the rule is saved as a preset and
then trains a fresh such model through `compile` and `fit`.

python examples/meta_train_keras_model.py
"""

import pathlib
import tempfile

import keras
import tensorflow as tf
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer, meta, presets, tasks

x, y = load_digits(return_X_y=True)
x, split = (x.reshape(-1, 8, 8, 1) / 16.0).astype("float32"), 1437


def build():
    return keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, strides=2, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10, "softmax"),
        ]
    )


def pipeline(rows):
    data = tf.data.Dataset.from_tensor_slices((x[rows], y[rows]))
    return data.shuffle(split, seed=0).batch(32, drop_remainder=True)


task = tasks.KerasModel(
    build,
    "sparse_categorical_crossentropy",
    {"train": pipeline(slice(0, split)), "test": pipeline(slice(split, None))},
)
trainer = meta.Trainer(
    "rnnprop(hidden_size=8,layers=1)",
    [task],
    meta.TruncatedBPTT(unroll=10, num_tasks=2, log_loss=True),
    settings=meta.Settings(
        trajectories=(40,), validate_every=20, num_validation_tasks=2, meta_learning_rate=0.02
    ),
)
before = trainer.validate()["score"]
history = trainer.fit(60).history
after = history["val_loss"][-1]
print(f"validation score (log of the mean loss): {before:.3f} before, {after:.3f} after")

directory = pathlib.Path(tempfile.mkdtemp()) / "preset"
presets.save_preset(directory, trainer.best_rule(), "# Meta-trained on a small conv net\n")

keras.utils.set_random_seed(0)
model = build()
optimizer = LearnedOptimizer(preset=directory)
model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x[:split], y[:split], batch_size=32, epochs=3, verbose=2)
loss, accuracy = model.evaluate(x[split:], y[split:], verbose=0)
print(f"held-out loss {loss:.3f}, accuracy {accuracy:.3f}")
