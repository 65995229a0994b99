"""A run that is saved in the middle, and one that goes on from a file, under Keras's backend.

python tests/helpers/backend_files.py save DIRECTORY
python tests/helpers/backend_files.py resume DIRECTORY
"""

import pathlib
import sys

import keras
import numpy as np
from helpers.backend_fits import BATCH, LABELS, ROWS, model_of

from l2l_tf import LearnedOptimizer

# What is left of a run of these epochs after the first is what a file is resumed for.
EPOCHS = 3


def save(directory):
    """Train one epoch and save a model, and its weights, under both policies; go on."""
    for policy in ("float32", "mixed_float16"):
        model = model_of(LearnedOptimizer(preset="rnnprop-general", total_steps=12), ROWS, policy)
        model.fit(ROWS, LABELS, BATCH, 1, verbose=0, shuffle=False)
        model.save(directory / f"{policy}.keras")
        model.save_weights(directory / f"{policy}.weights.h5")
        np.save(directory / f"{policy}.npy", went_on(model))


def resume(directory):
    """Dict file → weights after the rest of the run from each of the files."""
    found = {}
    for policy in ("float32", "mixed_float16"):
        found[f"{policy}.keras"] = went_on(keras.models.load_model(directory / f"{policy}.keras"))
        fresh = LearnedOptimizer(preset="rnnprop-general", total_steps=12)
        model = model_of(fresh, ROWS, policy)
        model.load_weights(directory / f"{policy}.weights.h5")
        found[f"{policy}.weights.h5"] = went_on(model)
    return found


def went_on(model):
    """All weights after the rest of the run."""
    model.fit(ROWS, LABELS, BATCH, EPOCHS, initial_epoch=1, verbose=0, shuffle=False)
    return np.concatenate([w.ravel() for w in model.get_weights()])


if __name__ == "__main__":
    place = pathlib.Path(sys.argv[2])
    if sys.argv[1] == "save":
        save(place)
    else:
        np.savez(place / "resumed.npz", **resume(place))
