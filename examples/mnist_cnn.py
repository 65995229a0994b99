"""A conv net on MNIST through `compile` and `fit`, beside Adam with and without decay.

Prints losses and held-out accuracies, draws mnist_cnn.png. Minutes on a laptop. Needs MNIST:
`tfds.load("mnist")` where there is a network, `python -m tools.offline_data mnist` where there is
none.

python examples/mnist_cnn.py
"""

import time

import keras
from matplotlib import pyplot

from l2l_tf import LearnedOptimizer, data

ROWS = 60_000
EPOCHS = 3
BATCH = 128


def images(split, rows=None):
    pixels, labels = data.load("mnist", split)
    return (pixels[:rows] / 255.0).astype("float32"), labels[:rows]


def build():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.layers.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(10, "softmax"),
        ]
    )


x, y = images("train", ROWS)
held_out = images("test")
steps = EPOCHS * -(-len(x) // BATCH)
optimizers = {
    "LearnedOptimizer()": LearnedOptimizer(),
    "Adam(1e-3)": keras.optimizers.Adam(1e-3),
    "Adam(3e-3)": keras.optimizers.Adam(3e-3),
    "Adam(3e-3, cosine decay)": keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(3e-3, steps)
    ),
}
print(f"{build().count_params():,} weights, {len(x):,} pictures, {EPOCHS} epochs")
accuracies, curves = {}, {}
for name, optimizer in optimizers.items():
    model, started = build(), time.perf_counter()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, BATCH, EPOCHS, validation_data=held_out, verbose=0).history
    accuracies[name], curves[name] = history["val_accuracy"][-1], history
    print(
        f"{name:25} train loss {history['loss'][-1]:.4f}, held-out loss "
        f"{history['val_loss'][-1]:.4f}, accuracy {accuracies[name]:.4f}, "
        f"{time.perf_counter() - started:.0f} s",
        flush=True,
    )

figure, (train, accuracy) = pyplot.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for name, history in curves.items():
    style = {"label": name, "lw": 3 if "Learned" in name else 1.2, "marker": "o", "ms": 4}
    train.plot(range(1, EPOCHS + 1), history["loss"], **style)
    accuracy.plot(range(1, EPOCHS + 1), history["val_accuracy"], **style)
train.set(yscale="log", xlabel="epochs", ylabel="train loss (mean over the epoch)")
accuracy.set(xlabel="epochs", ylabel="held-out accuracy")
for axes in (train, accuracy):
    axes.set_xticks(range(1, EPOCHS + 1))
train.legend()
figure.savefig("mnist_cnn.png", dpi=120)
