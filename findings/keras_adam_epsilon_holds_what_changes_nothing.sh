#!/usr/bin/env bash
# Keras 3.15.1 with TensorFlow 2.21.0, stock Adam, float32.
#
# Guess: Adam's steps do not depend on the unit of the loss, but for a tiny epsilon, and a weight on
# which the loss does not depend stays where it is.
# Behaviour: the bias that Conv2D has by default is taken off again by a BatchNormalization behind
# it, that of MultiHeadAttention's keys by softmax. Their gradients are what rounding leaves of sums
# that cancel, and not zero. Adam would move both as far as any other weight; it is epsilon that
# holds them where losses are of the order of one. The same loss times 10,000 lets them go, while
# all that matters is trained as before.
# Seen: after 200 steps of Adam(0.001) the biases are off by 0.0015 and 0.00014 with the loss as it
# is, and by 0.035 and 0.028 with the loss times 10,000.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'keras==3.15.1' 'tensorflow-cpu==2.21.0'
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf

layers = keras.layers


def moved(unit):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    conv = layers.Conv2D(16, 3, padding="same")
    attention = layers.MultiHeadAttention(2, 8)
    hidden = layers.ReLU()(layers.BatchNormalization()(conv(inputs)))
    hidden = layers.Reshape((64, 16))(hidden)
    outputs = layers.Dense(3)(layers.GlobalAveragePooling1D()(attention(hidden, hidden)))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(1e-3), "mse", loss_weights=[unit])
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(320, 8, 8, 3)), draw.normal(size=(320, 3))
    model.fit(x, y, batch_size=32, epochs=20, verbose=0)
    (key,) = (v for v in attention.trainable_variables if v.path.endswith("key/bias"))
    return [float(np.abs(np.asarray(v)).max()) for v in (conv.bias, key)]


small, large = moved(1.0), moved(1e4)
print("conv bias, key bias: the loss as it is", small, "times 10,000", large)
assert max(small) < 5e-3
assert min(large) > 1e-2
print("tensorflow", tf.__version__, "keras", keras.__version__, "as described")
PYTHON
