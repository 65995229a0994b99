"""A learned optimizer in a loop of one's own under PyTorch, on a model of Keras's.

Prints the held-out loss and accuracy beside Adam's, which takes the same steps.

KERAS_BACKEND=torch python examples/torch_loop.py
"""

import keras
import numpy as np
import torch
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer

EPOCHS, BATCH = 15, 64
x, y = load_digits(return_X_y=True)
x, split = (x / 16.0).astype("float32"), 1437


def trained_by(optimizer):
    """A model after `EPOCHS` passes over the digits."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.layers.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10)]
    )
    optimizer.build(model.trainable_variables)
    if isinstance(optimizer, LearnedOptimizer):
        optimizer.begin_run(total_steps=EPOCHS * (split // BATCH), passes=EPOCHS)

    generator = np.random.default_rng(0)
    for epoch in range(EPOCHS):
        order = generator.permutation(split)[: split // BATCH * BATCH]
        for rows in order.reshape(-1, BATCH):
            outputs = model(x[rows], training=True)
            loss = torch.nn.functional.cross_entropy(outputs, torch.as_tensor(y[rows]))
            model.zero_grad()
            optimizer.scale_loss(loss).backward()
            gradients = [v.value.grad for v in model.trainable_variables]
            optimizer.apply(gradients, model.trainable_variables)
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}")
    return model


results = {}
for optimizer in (LearnedOptimizer(), keras.optimizers.Adam()):
    model = trained_by(optimizer)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, metrics=["accuracy"])
    results[type(optimizer).__name__] = model.evaluate(x[split:], y[split:], verbose=0)
for name, (loss, accuracy) in results.items():
    print(f"{name}(): held-out loss {loss:.3f}, accuracy {accuracy:.3f}")
