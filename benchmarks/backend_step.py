"""A step on 2-axis variables under Keras's backend, beside that backend's own Adams: prints JSON.

KERAS_BACKEND=jax python -m benchmarks.backend_step WEIGHTS VARIABLES REPEATS

Needs Keras and its backend alone (under JAX also Optax); `benchmarks.backends` calls it. Steps
are taken in turn, as in a training loop: what the last one gave is what the next one is given.
Where there is a GPU they are taken there.
"""

import json
import statistics
import sys
import time

import keras
import numpy as np

from l2l_tf import LearnedOptimizer

PRESETS = ("spectral-general", "mixture-general")


def shapes_of(weights, number):
    """Shapes of `number` variables that hold `weights` together, as square as they can be."""
    size = weights // number
    rows = max(r for r in range(1, int(size**0.5) + 1) if size % r == 0)
    return [(rows, size // rows)] * number


def keras_optimizers():
    """Dict name → optimizer, those of Keras."""
    made = {"Keras Adam": keras.optimizers.Adam(1e-3)}
    return made | {name: LearnedOptimizer(preset=name) for name in PRESETS}


def under_jax(shapes, arrays):
    """Dict name → function that takes a step and waits for it."""
    import jax
    import optax

    gradients = [jax.numpy.asarray(a) for a in arrays]

    def repeated(step, state):
        compiled = jax.jit(step, donate_argnums=0)

        def take():
            nonlocal state
            state = jax.block_until_ready(compiled(state, gradients))

        return take

    def of_keras(optimizer):
        optimizer.build([keras.Variable(np.zeros(s, "float32")) for s in shapes])

        def step(state, gradients):
            values, own = state
            return optimizer.stateless_apply(own, gradients, values)

        # Copies, as donated arrays are gone; and none of them twice.
        values = [jax.numpy.zeros(s) for s in shapes]
        own = [jax.numpy.array(v.value, copy=True) for v in optimizer.variables]
        return repeated(step, (values, own))

    transformation = optax.adamw(1e-3)

    def of_optax(state, gradients):
        values, own = state
        updates, own = transformation.update(gradients, own, values)
        return optax.apply_updates(values, updates), own

    values = [jax.numpy.zeros(s) for s in shapes]
    steps = {name: of_keras(o) for name, o in keras_optimizers().items()}
    return {"optax.adamw": repeated(of_optax, (values, transformation.init(values))), **steps}


def under_torch(shapes, arrays):
    """The same."""
    import torch

    gradients = [keras.ops.convert_to_tensor(a) for a in arrays]

    def waited(step):
        def take():
            step()
            if torch.cuda.is_available():
                torch.cuda.synchronize()

        return take

    def of_keras(optimizer):
        variables = [keras.Variable(np.zeros(s, "float32")) for s in shapes]
        optimizer.build(variables)

        def take():
            with torch.no_grad():  # As in Keras's own training step.
                optimizer.apply(gradients, variables)

        return waited(take)

    def of_torch(**arguments):
        parameters = [torch.nn.Parameter(torch.zeros_like(g)) for g in gradients]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        return waited(torch.optim.AdamW(parameters, 1e-3, **arguments).step)

    steps = {name: of_keras(o) for name, o in keras_optimizers().items()}
    return {
        "torch AdamW, fused": of_torch(fused=True),
        "torch AdamW": of_torch(foreach=True),
        **steps,
    }


def under_tensorflow(shapes, arrays):
    """The same, compiled by XLA."""
    import tensorflow as tf

    gradients = [tf.constant(a) for a in arrays]

    def of_keras(optimizer):
        variables = [keras.Variable(np.zeros(s, "float32")) for s in shapes]
        optimizer.build(variables)
        return tf.function(lambda: optimizer.apply(gradients, variables), jit_compile=True)

    return {name: of_keras(o) for name, o in keras_optimizers().items()}


def main(weights, number, repeats):
    shapes = shapes_of(weights, number)
    generator = np.random.default_rng(0)
    arrays = [generator.normal(size=s).astype("float32") for s in shapes]
    backend = keras.config.backend()
    steps = {"jax": under_jax, "torch": under_torch, "tensorflow": under_tensorflow}
    firsts, times = {}, {}
    for name, take in steps[backend](shapes, arrays).items():
        started = time.perf_counter()
        take()
        firsts[name], times[name] = time.perf_counter() - started, (take, [])
    for _ in range(repeats):
        for take, seconds in times.values():
            take()  # Memory and caches are as after a step of the same optimizer.
            started = time.perf_counter()
            take()
            seconds.append(time.perf_counter() - started)
    rows = {
        name: {"seconds": statistics.median(seconds), "first_seconds": firsts[name]}
        for name, (_, seconds) in times.items()
    }
    print(json.dumps(rows))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
