"""A learned optimizer in a training loop of one's own, beside Adam in the same loop.

`begin_run` tells the optimizer how many steps the run has, and `scale_loss` shows it the loss: some
rules use either, and do without where they are not told. In `fit` both happen by themselves. Prints
held-out accuracies, draws custom_loop.png.

python examples/custom_loop.py
"""

import keras
import tensorflow as tf
from matplotlib import pyplot
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer

EPOCHS = 15
x, y = load_digits(return_X_y=True)
x, split = (x / 16.0).astype("float32"), 1437
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def trained(optimizer):
    """Held-out accuracy, and the loss of every batch."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.layers.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10)]
    )
    optimizer.build(model.trainable_variables)

    @tf.function
    def train_step(rows, labels):
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(rows, training=True))
            scaled = optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    batches = tf.data.Dataset.from_tensor_slices((x[:split], y[:split]))
    batches = batches.shuffle(split, seed=0).batch(64, drop_remainder=True)
    if isinstance(optimizer, LearnedOptimizer):
        optimizer.begin_run(total_steps=EPOCHS * len(batches))
    losses = [float(train_step(*batch)) for _ in range(EPOCHS) for batch in batches]
    predicted = tf.argmax(model(x[split:]), axis=-1)
    return float(tf.reduce_mean(tf.cast(predicted == y[split:], tf.float32))), losses


optimizers = {
    "LearnedOptimizer()": LearnedOptimizer(),
    "Adam(1e-3)": keras.optimizers.Adam(1e-3),
    "Adam(1e-2)": keras.optimizers.Adam(1e-2),
}
figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
accuracies = {}
for name, optimizer in optimizers.items():
    accuracies[name], losses = trained(optimizer)
    print(f"{name:18} last loss {losses[-1]:.2g}, held-out accuracy {accuracies[name]:.3f}")
    axes.semilogy(losses, label=name, lw=2 if "Learned" in name else 1)
axes.set(xlabel="steps", ylabel="loss of the batch")
axes.legend()
figure.savefig("custom_loop.png", dpi=120)
