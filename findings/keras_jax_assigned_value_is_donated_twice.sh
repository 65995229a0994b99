#!/usr/bin/env bash
# Keras 3.15.1 with JAX 0.10.2: a variable that is given another one's value, and `fit` after it.
#
# Guess: `a.assign(b.value)` copies the number, and both variables go on by themselves.
# Behaviour: under JAX `a` then holds the very array of `b`. That is harmless until both belong to
# one model or optimizer: `fit` donates the arrays of all of them to its jitted step, and the step
# is refused, since one array was donated twice. `a.assign(b.value + 0)` is an array of its own.
# Seen: "Attempt to donate the same buffer twice in Execute()" from `fit`; none with the sum.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'keras==3.15.1' 'jax==0.10.2' 'jaxlib==0.10.2'
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import jax
import keras
import numpy as np


def trained(value_of):
    """What `fit` raised after one layer's offsets were given another's, or None."""
    keras.utils.set_random_seed(0)
    layers = keras.layers.Dense(3), keras.layers.Dense(3)
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("sgd", "mse")
    layers[0].bias.assign(value_of(layers[1].bias))
    rows = np.ones((4, 3), "float32")
    try:
        model.fit(rows, rows, verbose=0)
    except jax.errors.JaxRuntimeError as error:
        return str(error)
    return None


raised = trained(lambda variable: variable.value)
print("assigned the value:", raised.split(" (flattened")[0])
assert "donate the same buffer twice" in raised
assert trained(lambda variable: variable.value + 0) is None
print("keras", keras.__version__, "jax", jax.__version__, "as described")
PYTHON
