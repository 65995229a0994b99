"""A conv net on MNIST through `compile` and `fit`, beside Adam at three learning rates.

Prints held-out losses and accuracies, draws mnist_cnn.png. Needs MNIST:
`python -m tools.offline_data mnist`, or `tfds.load("mnist")` where there is a network.

python examples/mnist_cnn.py
"""

import keras
from matplotlib import pyplot

from l2l_tf import LearnedOptimizer, data

ROWS, EPOCHS, BATCH = 6000, 3, 64


def images(split, rows):
    pixels, labels = data.load("mnist", split)
    return (pixels[:rows] / 255.0).astype("float32"), labels[:rows]


def build():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.layers.Input((28, 28, 1)),
            keras.layers.Conv2D(16, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(32, 3, strides=2, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10, "softmax"),
        ]
    )


x, y = images("train", ROWS)
held_out = images("test", 2000)
optimizers = {
    "LearnedOptimizer()": LearnedOptimizer(),
    **{f"Adam({rate:g})": keras.optimizers.Adam(rate) for rate in (3e-4, 1e-3, 3e-3)},
}
losses, curves = {}, {}
for name, optimizer in optimizers.items():
    model = build()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x, y, BATCH, EPOCHS, validation_data=held_out, verbose=0, validation_batch_size=1000
    ).history
    losses[name], curves[name] = history["val_loss"][-1], history["loss"]
    print(
        f"{name:20} train loss {history['loss'][-1]:.4f}, held-out loss "
        f"{losses[name]:.4f}, accuracy {history['val_accuracy'][-1]:.4f}"
    )

figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
for name, curve in curves.items():
    axes.plot(range(1, EPOCHS + 1), curve, label=name, lw=3 if "Learned" in name else 1.2)
axes.set(yscale="log", xlabel="epochs", ylabel="train loss (mean over the epoch)")
axes.legend()
figure.savefig("mnist_cnn.png", dpi=120)
