#!/usr/bin/env bash
# Keras 3.15.1 (TensorFlow 2.21.0), keras.optimizers.Muon with its defaults.
#
# Guess: offsets (biases) get the Adam step that Muon's paper has for them, kernels of attention the
# orthogonalised one.
# Behaviour: it is the other way round. What has two axes is orthogonalised, so the offsets of
# attention, which Keras stores as [heads, key_dim], and those of GRU, [2, 3 * units], are taken for
# matrices; the kernels of attention have three axes and get AdamW's step.
# Seen: singular values of the first step, largest over smallest, for a gradient whose own ratio is
# 100: query/bias 1.003, gru_cell/bias 1.003; the step of query/kernel is as large in every entry.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'keras==3.15.1' 'tensorflow-cpu==2.21.0'
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np


def first_steps(layer, inputs):
    model = keras.Model(inputs, layer)
    optimizer = keras.optimizers.Muon(0.1, weight_decay=0.0)
    generator = np.random.default_rng(0)
    before, gradients = [], []
    for variable in model.trainable_variables:
        shape = tuple(variable.shape)
        matrix = generator.normal(size=(shape[0], int(np.prod(shape[1:]))))
        left, values, right = np.linalg.svd(matrix, full_matrices=False)
        values = np.geomspace(100.0, 1.0, len(values))
        gradients.append((left * values @ right).reshape(shape).astype("float32"))
        before.append(variable.numpy())
    optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], model.trainable_variables)
    return {
        v.path.split("/", 1)[1]: v.numpy() - b
        for v, b in zip(model.trainable_variables, before, strict=True)
    }


def spread(step):
    values = np.linalg.svd(step, compute_uv=False)
    return values.max() / values.min()


words = keras.Input((7, 8))
steps = first_steps(keras.layers.MultiHeadAttention(2, 4)(words, words), words)
print("query/bias", steps["query/bias"].shape, "singular values' ratio", spread(steps["query/bias"]))
assert spread(steps["query/bias"]) < 3
kernel = np.abs(steps["query/kernel"])
print("query/kernel", kernel.shape, "entries' ratio", kernel.max() / kernel.min())
assert kernel.max() / kernel.min() < 1.01

words = keras.Input((3, 4))
steps = first_steps(keras.layers.GRU(5)(words), words)
print("gru_cell/bias", steps["gru_cell/bias"].shape, spread(steps["gru_cell/bias"]))
assert spread(steps["gru_cell/bias"]) < 3
print("keras", keras.__version__, "as described")
PYTHON
