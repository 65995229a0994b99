#!/usr/bin/env bash
# Keras 3.15.1 (TensorFlow 2.21.0): `use_ema=True`, a layer that is frozen later, and one optimizer.
#
# Guess: averages of weights belong to variables; what is frozen and compiled again with the same
# optimizer keeps its weights, and the others get their own averages.
# Behaviour: `finalize_variable_values` writes averages back by place in the list of variables that
# train now. Once the first layer is frozen, the second one is given the first one's average.
# Where shapes differ that is a ValueError; where they agree nobody says a word.
# Seen: after the second `fit` the second layer's kernel is the frozen layer's average, bit for bit.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'keras==3.15.1' 'tensorflow-cpu==2.21.0'
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

keras.utils.set_random_seed(0)
layers = [keras.layers.Dense(4, use_bias=False) for _ in range(2)]
model = keras.Sequential([keras.Input((4,)), *layers])
optimizer = keras.optimizers.Adam(1e-2, use_ema=True)
generator = np.random.default_rng(0)
rows = generator.normal(size=(32, 4)).astype("float32")
targets = rows @ generator.normal(size=(4, 4)).astype("float32")
model.compile(optimizer, "mse")
model.fit(rows, targets, epochs=2, verbose=0)
frozen = layers[0].kernel.numpy()  # The average, with which Keras ends a fit.
layers[0].trainable = False
model.compile(optimizer, "mse")
model.fit(rows, targets, epochs=2, verbose=0)
assert (layers[0].kernel.numpy() == frozen).all()
print("largest difference of the second kernel from the frozen one's average:",
      np.abs(layers[1].kernel.numpy() - frozen).max())
assert (layers[1].kernel.numpy() == frozen).all()
print("keras", keras.__version__, "as described")
PYTHON
