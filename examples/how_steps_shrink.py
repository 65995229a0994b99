"""What the default does along a run: how long its steps are, and where they go, beside Adam.

In a loop of one's own, on scikit-learn's digits, of every step: its size (root mean square of what
is added to the weights), and its cosines with the negative gradient and with the negative momentum,
a mean of gradients. The default knows the length of the run or does not; beside it the paper's LSTM
and Adam. Prints late sizes over early ones and mean cosines, draws how_steps_shrink.png. In `fit`,
the callback `OptimizerSummaries` writes sizes and directions for TensorBoard.

python examples/how_steps_shrink.py
"""

import keras
import numpy as np
import tensorflow as tf
from matplotlib import pyplot
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer

EPOCHS = 30
BATCH = 64
x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype("float32")
batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=0)
batches = batches.batch(BATCH, drop_remainder=True)
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def flat(tensors):
    return np.concatenate([np.ravel(t).astype("float64") for t in tensors])


def cosine(a, b):
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def measured(optimizer):
    """Array `[steps, 4]`: loss, size of the step, cosines with −gradient and −momentum."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.layers.Input((64,)), keras.layers.Dense(20, "sigmoid"), keras.layers.Dense(10)]
    )
    optimizer.build(model.trainable_variables)

    @tf.function
    def train_step(rows, labels):
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(rows, training=True))
            scaled = optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss, gradients

    found, momentum, before = [], 0.0, flat(model.get_weights())
    for rows, labels in batches.repeat(EPOCHS):
        loss, gradients = train_step(rows, labels)
        gradient, after = flat(gradients), flat(model.get_weights())
        momentum, step, before = 0.9 * momentum + 0.1 * gradient, after - before, after
        size = np.sqrt(np.mean(step**2))
        found.append([float(loss), size, cosine(step, -gradient), cosine(step, -momentum)])
    return np.array(found)


optimizers = {
    "the default, length known": LearnedOptimizer(total_steps=EPOCHS * len(batches)),
    "the default": LearnedOptimizer(),
    "lstm-digits": LearnedOptimizer(preset="lstm-digits"),
    "Adam(1e-3)": keras.optimizers.Adam(1e-3),
    "Adam(1e-2)": keras.optimizers.Adam(1e-2),
}
panels = ("loss of the batch", "size of the step", "cosine with −gradient", "cosine with −momentum")
figure, axes = pyplot.subplots(2, 2, figsize=(10, 6.5), sharex=True, layout="constrained")
shrunk = {}
for name, optimizer in optimizers.items():
    found = measured(optimizer)
    count = len(found)
    early, late = found[count // 20 : 3 * count // 20].mean(0), found[-count // 10 :].mean(0)
    shrunk[name] = late[1] / early[1]
    print(
        f"{name:26} loss {early[0]:.2g} → {late[0]:.2g}, steps {early[1]:.2g} → {late[1]:.2g} "
        f"({shrunk[name]:.2g} times as long), second half: cosine with −gradient "
        f"{found[count // 2 :, 2].mean():.2f}, with −momentum {found[count // 2 :, 3].mean():.2f}",
        flush=True,
    )
    by_epoch = found.reshape(EPOCHS, -1, len(panels)).mean(1)
    for axis, title, values in zip(axes.flat, panels, by_epoch.T, strict=True):
        axis.plot(range(1, EPOCHS + 1), values, label=name)
        axis.set_title(title, fontsize=10)
for axis in axes[0]:
    axis.set_yscale("log")
for axis in axes[1]:
    axis.set_xlabel("epochs (means over each)")
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
figure.savefig("how_steps_shrink.png", dpi=110)
