"""A learned optimizer in a jitted loop under JAX: a step is a pure function, told its loss.

Prints the held-out loss and accuracy beside Adam's, which takes the same steps.

KERAS_BACKEND=jax python examples/jax_loop.py
"""

import jax
import keras
import numpy as np
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer

EPOCHS, BATCH = 15, 64
x, y = load_digits(return_X_y=True)
x, split = (x / 16.0).astype("float32"), 1437
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def trained_by(optimizer):
    """A model after `EPOCHS` passes over the digits."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.layers.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10)]
    )
    optimizer.build(model.trainable_variables)
    learned = isinstance(optimizer, LearnedOptimizer)
    if learned:
        optimizer.begin_run(total_steps=EPOCHS * (split // BATCH), passes=EPOCHS)

    def compute_loss(trained, others, rows, labels):
        outputs, others = model.stateless_call(trained, others, rows, training=True)
        return loss_of(labels, outputs), others

    @jax.jit
    def train_step(trained, others, state, rows, labels):
        compute = jax.value_and_grad(compute_loss, has_aux=True)
        (loss, others), gradients = compute(trained, others, rows, labels)
        told = {"loss": loss} if learned else {}
        trained, state = optimizer.stateless_apply(state, gradients, trained, **told)
        return loss, trained, others, state

    trained = [v.value for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]
    state = [v.value for v in optimizer.variables]
    generator = np.random.default_rng(0)
    for epoch in range(EPOCHS):
        order = generator.permutation(split)[: split // BATCH * BATCH]
        for rows in order.reshape(-1, BATCH):
            loss, trained, others, state = train_step(trained, others, state, x[rows], y[rows])
        print(f"epoch {epoch + 1}: loss {float(loss):.3f}")

    values, variables = [*trained, *others, *state], [*model.variables, *optimizer.variables]
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return model


results = {}
for optimizer in (LearnedOptimizer(), keras.optimizers.Adam()):
    model = trained_by(optimizer)
    model.compile(loss=loss_of, metrics=["accuracy"])
    results[type(optimizer).__name__] = model.evaluate(x[split:], y[split:], verbose=0)
for name, (loss, accuracy) in results.items():
    print(f"{name}(): held-out loss {loss:.3f}, accuracy {accuracy:.3f}")
