"""A learned optimizer in a training loop of one's own.

`begin_run` tells the optimizer how many steps the run has, and `scale_loss` shows it the loss: some
rules use either, and do without where they are not told. In `fit` both happen by themselves.

python examples/custom_loop.py
"""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer

x, y = load_digits(return_X_y=True)
x, split = (x / 16.0).astype("float32"), 1437
keras.utils.set_random_seed(0)

model = keras.Sequential(
    [keras.layers.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10)]
)
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = LearnedOptimizer()
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
optimizer.begin_run(total_steps=15 * len(batches))
for epoch in range(15):
    for rows, labels in batches:
        loss = train_step(rows, labels)
    print(f"epoch {epoch + 1}: loss {float(loss):.3f}")

predicted = tf.argmax(model(x[split:]), axis=-1)
accuracy = float(tf.reduce_mean(tf.cast(predicted == y[split:], tf.float32)))
print(f"held-out accuracy {accuracy:.3f}")
