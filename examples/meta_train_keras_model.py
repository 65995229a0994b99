"""A rule meta-trained on a Keras model and a `tf.data` pipeline of one's own.

The optimizee is a small conv net on scikit-learn's digits; the rule is saved as a preset and
then trains a fresh such model through `compile` and `fit`, beside itself before meta-training and
beside Adam. Draws meta_train_keras_model.png.

python examples/meta_train_keras_model.py
"""

import pathlib
import tempfile

import keras
import tensorflow as tf
from matplotlib import pyplot
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer, meta, tasks

RULE = "rnnprop(hidden_size=8,layers=1)"
EPOCHS = 3
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
    RULE,
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
trainer.save_preset(directory)

optimizers = {
    "meta-trained": LearnedOptimizer(preset=directory),
    "before meta-training": LearnedOptimizer(rule=f"rule:{RULE}"),
    "Adam(1e-3)": keras.optimizers.Adam(1e-3),
    "Adam(1e-2)": keras.optimizers.Adam(1e-2),
}
figure, (scores, curves) = pyplot.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
scores.plot([0, *history["meta_step"]], [before, *history["val_loss"]], marker="o")
scores.set(xlabel="meta-steps", ylabel="validation score")
accuracies = {}
for name, optimizer in optimizers.items():
    keras.utils.set_random_seed(0)
    model = build()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    along = model.fit(x[:split], y[:split], batch_size=32, epochs=EPOCHS, verbose=0).history
    loss, accuracies[name] = model.evaluate(x[split:], y[split:], verbose=0)
    print(f"{name:22} held-out loss {loss:.3f}, accuracy {accuracies[name]:.3f}")
    curves.plot(range(1, EPOCHS + 1), along["loss"], marker="o", label=name)
curves.set(yscale="log", xlabel="epochs", ylabel="train loss (mean over the epoch)")
curves.legend()
figure.savefig("meta_train_keras_model.png", dpi=120)
