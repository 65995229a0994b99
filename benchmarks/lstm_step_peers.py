"""The LSTM step of 2 × 20 cells in another framework: prints ns per weight as JSON.

python lstm_step_peers.py FRAMEWORK WEIGHTS REPEATS, with FRAMEWORK one of "torch", "torch-compile"
and "jax". Needs only that framework and NumPy; `benchmarks/peers.py` calls it. Coordinates lie on
the last axis, as they do in the `lstm` rule: the faster layout in all of them.
"""

import json
import statistics
import sys
import time

import numpy as np

HIDDEN, INPUTS, P = 20, 2, 10.0


def arrays(count):
    """Gradient, variable, four states and the meta-parameters, in NumPy."""
    generator = np.random.default_rng(0)

    def normal(*shape):
        return generator.normal(size=shape).astype("float32")

    kernels = [0.2 * normal(4 * HIDDEN, width + HIDDEN) for width in (INPUTS, HIDDEN)]
    biases = [0.1 * normal(4 * HIDDEN, 1) for _ in range(2)]
    states = [np.zeros((HIDDEN, count), "float32") for _ in range(4)]
    return normal(count), normal(count), states, kernels, biases, 0.1 * normal(HIDDEN)


def step(m, gradient, variable, states, kernels, biases, output):
    """One step in terms of `m`, a module with the few functions that differ by name."""
    magnitude = m.abs(gradient)
    least = float(np.exp(-P))
    large = magnitude >= least
    log = m.log(m.clip_least(magnitude, least)) / P
    first = m.where(large, log, -m.ones_like(gradient))
    second = m.where(large, m.sign(gradient), float(np.exp(P)) * gradient)
    features, new = m.stack([first, second]), []
    for layer in range(2):
        hidden, cell = states[2 * layer : 2 * layer + 2]
        gates = kernels[layer] @ m.concat([features, hidden]) + biases[layer]
        i, f, o = (m.sigmoid(gates[k * HIDDEN : (k + 1) * HIDDEN]) for k in (0, 1, 3))
        g = m.tanh(gates[2 * HIDDEN : 3 * HIDDEN])
        cell = f * cell + i * g
        features = o * m.tanh(cell)
        new += [features, cell]
    return variable + 0.1 * (output @ features), new


class Torch:
    """The names of `step` in PyTorch."""

    def __init__(self):
        import torch

        self.abs, self.log, self.where, self.sign = torch.abs, torch.log, torch.where, torch.sign
        self.ones_like, self.stack, self.concat = torch.ones_like, torch.stack, torch.cat
        self.sigmoid, self.tanh = torch.sigmoid, torch.tanh
        self.clip_least = lambda x, least: torch.clamp(x, min=least)


class Jax:
    """The names of `step` in JAX."""

    def __init__(self):
        import jax
        from jax import numpy as jnp

        self.abs, self.log, self.where, self.sign = jnp.abs, jnp.log, jnp.where, jnp.sign
        self.ones_like, self.stack, self.concat = jnp.ones_like, jnp.stack, jnp.concatenate
        self.sigmoid, self.tanh = jax.nn.sigmoid, jnp.tanh
        self.clip_least = jnp.maximum


def candidate(framework, count):
    """A function without arguments that takes one step and waits for it."""
    gradient, variable, states, kernels, biases, output = arrays(count)
    if framework == "jax":
        import jax

        names = Jax()
        compiled = jax.jit(lambda *a: step(names, *a), donate_argnums=(1, 2))
        place = jax.device_put
    else:
        import torch

        torch.set_grad_enabled(False)
        names, place = Torch(), torch.from_numpy

        def plain(*arguments):
            return step(names, *arguments)

        compiled = torch.compile(plain) if framework == "torch-compile" else plain
    gradient, output = place(gradient), place(output)
    kernels, biases = [place(k) for k in kernels], [place(b) for b in biases]
    kept = [place(variable), [place(s) for s in states]]

    def call():
        kept[0], kept[1] = compiled(gradient, kept[0], kept[1], kernels, biases, output)
        if framework == "jax":
            kept[0].block_until_ready()

    return call


def main(framework, count, repeats):
    call = candidate(framework, count)
    started = time.perf_counter()
    call()
    first = time.perf_counter() - started
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    row = {"ns_per_weight": 1e9 * statistics.median(times) / count, "first_seconds": first}
    print(json.dumps(row))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
