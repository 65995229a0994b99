"""The first steps of every shipped preset and rule on one small problem, under Keras's backend.

    KERAS_BACKEND=jax PYTHONPATH=.:tests python tests/helpers/backend_steps.py steps.npz

Losses and gradients are NumPy's own, in double precision, and where there is a reference they are
taken at its weights: between two backends only what the optimizer makes of them differs, and is
not made larger by a loss that depends on it.
"""

import sys

import keras
import numpy as np

from l2l_tf import LearnedOptimizer, presets
from l2l_tf.rules.registry import RULES

STEPS = 50
# Presets that make rounding ten times larger in ten steps: their state is kept at every step.
SENSITIVE = ("ntm-bfgs-quadratic", "ntm-lbfgs-quadratic")
SHAPES = {
    "embedding/embeddings": (7, 4),
    "convolution/kernel": (3, 3, 2, 4),
    "dense/kernel": (8, 6),
    "dense/bias": (6,),
    "scale": (),
}
SIZES = [int(np.prod(shape)) for shape in SHAPES.values()]
GENERATOR = np.random.default_rng(7)
START = [0.3 * GENERATOR.normal(size=shape).astype("float32") for shape in SHAPES.values()]
ROWS = GENERATOR.normal(size=(200, sum(SIZES))) / np.sqrt(sum(SIZES))
TARGETS = np.tanh(ROWS @ GENERATOR.normal(size=sum(SIZES)))


def names():
    """What `LearnedOptimizer` takes: all presets, and all rules with untrained weights."""
    return [*presets.list_presets(), *(f"rule:{name}" for name in RULES.names())]


def loss_and_gradients(weights):
    """Loss and list of float32 gradients at the weights, one behind the other."""
    outputs = np.tanh(ROWS @ weights.astype("float64"))
    residual = outputs - TARGETS
    gradient = ROWS.T @ (residual * (1 - outputs**2)) / len(TARGETS)
    parts = np.split(gradient, np.cumsum(SIZES)[:-1])
    shaped = [p.reshape(s).astype("float32") for p, s in zip(parts, SHAPES.values(), strict=True)]
    return np.float32(0.5 * np.mean(residual**2)), shaped


def variables():
    """Fresh Keras variables at the start, with paths as layers give them."""
    made = []
    for path, value in zip(SHAPES, START, strict=True):
        *layer, name = path.split("/")
        with keras.name_scope(layer[0] if layer else "model"):
            made.append(keras.Variable(value, name=name))
    return made


def stepper(optimizer, trained):
    """A function of loss and gradients that takes a step, as this backend's loops do."""
    if keras.config.backend() != "jax":

        def step(loss, gradients):
            optimizer.scale_loss(keras.ops.convert_to_tensor(loss))
            optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], trained)

        return step
    import jax

    taken = jax.jit(
        lambda own, gradients, values, loss: optimizer.stateless_apply(
            own, gradients, values, loss=loss
        )
    )

    def step(loss, gradients):
        own = [v.value for v in optimizer.variables]
        values, own = taken(own, gradients, [v.value for v in trained], loss)
        for variable, value in zip([*trained, *optimizer.variables], [*values, *own], strict=True):
            variable.assign(value)

    return step


def trajectory(name, reference=None, states=None):
    """Loss before each step `[STEPS]`, and after it weights and state `[STEPS, numbers]` each.

    Args:
        name: One of `names()`.
        reference: Weights `[STEPS, weights]` of another run, at which gradients are taken; None:
            at this run's own.
        states: The rule's state in that run: every step starts from it and from the run's weights;
            None: from where this run's own steps have led.
    """
    trained = variables()
    optimizer = LearnedOptimizer(
        **({"rule": name} if name.startswith("rule:") else {"preset": name})
    )
    optimizer.build(trained)
    optimizer.begin_run(STEPS, passes=2)
    step = stepper(optimizer, trained)
    slots = [slot for v in trained for slot in optimizer.slots_of(v).values()]
    state = [*slots, *optimizer.shared_state().values()]
    losses, weights, kept = [], [], []
    for index in range(STEPS):
        if states is not None and index:
            put(trained, reference[index - 1])
            put(state, states[index - 1])
        at = flat(trained) if reference is None or not index else reference[index - 1]
        loss, gradients = loss_and_gradients(at)
        step(loss, gradients)
        losses.append(loss)
        weights.append(flat(trained))
        kept.append(flat(state))
    return np.asarray(losses), np.asarray(weights), np.asarray(kept)


def put(targets, numbers):
    """Assign all numbers of a list of Keras variables, one behind the other."""
    ends = np.cumsum([int(np.prod(v.shape)) for v in targets])
    for variable, part in zip(targets, np.split(numbers, ends[:-1]), strict=True):
        variable.assign(part.reshape(variable.shape).astype(variable.dtype))


def flat(trained):
    """All numbers of a list of Keras variables, one behind the other."""
    numbers = [np.ravel(keras.ops.convert_to_numpy(v)) for v in trained]
    return np.concatenate([np.zeros(0, "float32"), *numbers])


def main(path, chosen=()):
    found = {}
    for name in chosen or names():
        found[f"{name}/losses"], found[f"{name}/weights"], states = trajectory(name)
        if name in SENSITIVE:
            found[f"{name}/states"] = states
    np.savez(path, **found)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
