"""A learned optimizer in a loop of one's own under PyTorch, on a model of Keras's.

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
keras.utils.set_random_seed(0)

model = keras.Sequential(
    [keras.layers.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10)]
)
optimizer = LearnedOptimizer()
optimizer.build(model.trainable_variables)
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

accuracy = float(np.mean(np.argmax(model.predict(x[split:], verbose=0), axis=1) == y[split:]))
print(f"held-out accuracy {accuracy:.3f}")
