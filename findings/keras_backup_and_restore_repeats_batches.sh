#!/usr/bin/env bash
# Keras 3.15.1 with TensorFlow 2.21.0, stock Adam, float32.
#
# Guess: a run that was interrupted in the midst of an epoch and goes on by BackupAndRestore(…,
# save_freq=3) takes the updates that were left, since the callback notes epoch and batch of what it
# saves (training_metadata.json), weights and the optimizer's state among it.
# Behaviour: only the epoch is read back. The weights are those of the midst of the epoch, `fit`
# begins that epoch anew, and its first batches are trained on twice. With save_freq="epoch", the
# default, the run ends as the uninterrupted one does, to the last bit.
# Seen: of 5 epochs of 8 batches, interrupted before the 22nd batch, 40 updates and the same weights
# with "epoch"; 45 updates and other weights with save_freq=3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'keras==3.15.1' 'tensorflow-cpu==2.21.0'
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 \
    "$folder/venv/bin/python" - <<'PYTHON'
import json
import pathlib

import keras
import numpy as np
import tensorflow as tf

x = np.random.default_rng(0).normal(size=(256, 8)).astype("float32")
y = np.sin(x.sum(axis=1, keepdims=True))


class Interrupted(Exception):
    pass


class Interrupting(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == 21:
            raise Interrupted


def trained(callbacks):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(), "mse")
    model.fit(x, y, 32, epochs=5, shuffle=False, verbose=0, callbacks=callbacks)
    return int(model.optimizer.iterations), model.get_weights()


def resumed(save_freq):
    def backup():
        return keras.callbacks.BackupAndRestore(f"backup-{save_freq}", save_freq=save_freq)

    try:
        trained([backup(), Interrupting()])
    except Interrupted:
        noted = json.loads(pathlib.Path(f"backup-{save_freq}/training_metadata.json").read_text())
        print("save_freq", save_freq, "noted", noted)
    return trained([backup()])


def difference(weights, others):
    return max(float(np.abs(a - b).max()) for a, b in zip(weights, others))


_, whole = trained([])
for save_freq in ("epoch", 3):
    updates, weights = resumed(save_freq)
    print("save_freq", save_freq, "updates", updates, "difference", difference(whole, weights))
    if save_freq == "epoch":
        assert updates == 40 and difference(whole, weights) == 0.0
    else:
        assert updates == 45 and difference(whole, weights) > 1e-4
print("tensorflow", tf.__version__, "keras", keras.__version__, "as described")
PYTHON
