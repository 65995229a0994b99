#!/usr/bin/env bash
# Keras 3.15.1 (TensorFlow 2.21.0), functional models.
#
# Guess: `tokens + Embedding(length, width)(ops.arange(length))` gives a functional transformer a
# table of places that is trained with all else, as the same line does in a layer's `call`.
# Behaviour: the inner layer is called on a constant, so its result is one: the layer is no part of
# the model, the table is not among its weights, and `fit` leaves it as it was drawn. Nothing is
# said. Saved and loaded, the model still computes with the constant. Made of the input
# (`ops.zeros_like(tokens) + ops.arange(length)`), the same table is trained.
# Seen: weights 29 (without the table's 12) and 41; change of the table after three epochs 0.0 and
# above 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'keras==3.15.1' 'tensorflow-cpu==2.21.0'
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np
from keras import layers, ops

rows = np.array([[0, 1, 2, 3], [3, 2, 1, 0]], "int32")


def trained(of_input):
    keras.utils.set_random_seed(0)
    tokens = keras.Input((4,), dtype="int32")
    table = layers.Embedding(4, 3)
    places = ops.zeros_like(tokens) + ops.arange(4) if of_input else ops.arange(4)
    hidden = layers.Embedding(7, 3)(tokens) + table(places)
    model = keras.Model(tokens, layers.Dense(2)(hidden))
    before = table.embeddings.numpy().copy()
    model.compile("sgd", "mse")
    model.fit(rows, np.ones((2, 4, 2)), epochs=3, verbose=0)
    moved = float(np.abs(table.embeddings.numpy() - before).max())
    model.save("model.keras")
    again = keras.models.load_model("model.keras")
    apart = float(np.abs(again.predict(rows, verbose=0) - model.predict(rows, verbose=0)).max())
    print("of the input" if of_input else "of a constant", model.count_params(), moved, apart)
    return model.count_params(), moved, apart


assert trained(of_input=False) == (29, 0.0, 0.0)
weights, moved, apart = trained(of_input=True)
assert weights == 41 and moved > 0.0 and apart == 0.0
print("keras", keras.__version__, "as described")
PYTHON
