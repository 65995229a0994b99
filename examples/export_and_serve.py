"""A model exported with its training: trained on by another process that has TensorFlow alone.

Prints the losses there beside those of the same steps in Keras, then what `saved_model_cli`, which
TensorFlow installs, finds in the directory: what TensorFlow Serving would serve.

python examples/export_and_serve.py
"""

import pathlib
import subprocess
import sys
import sysconfig
import tempfile

import keras
import numpy as np
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer, export

# The other process: it imports neither Keras nor this package.
ELSEWHERE = """
import sys
import numpy as np, tensorflow as tf
loaded = tf.saved_model.load("1")
with np.load("batches.npz") as rows:
    x, y = rows["x"], rows["y"]
losses = [float(loaded.train_step(*batch)["loss"]) for batch in zip(x, y)]
tf.saved_model.save(loaded, "2", signatures=loaded.signatures)
assert "l2l_tf" not in sys.modules
print(losses[0], losses[-1])
"""

x, y = load_digits(return_X_y=True)
x, y = (x / 16.0).astype("float32"), y.astype("int64")
keras.utils.set_random_seed(0)
layers = [keras.layers.Input((64,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(10)]
model = keras.Sequential(layers)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(LearnedOptimizer(), loss, metrics=["accuracy"])
model.fit(x[:960], y[:960], 32, epochs=1, verbose=0)

directory = pathlib.Path(tempfile.mkdtemp()) / "digits"
export.export_training(model, directory / "1")
batches = x[960:1600].reshape(20, 32, 64), y[960:1600].reshape(20, 32)
np.savez(directory / "batches.npz", x=batches[0], y=batches[1])

done = subprocess.run(
    [sys.executable, "-c", ELSEWHERE], cwd=directory, capture_output=True, text=True, check=True
)
elsewhere = [float(number) for number in done.stdout.split()]
here = []
for rows, labels in zip(*batches, strict=True):
    model.reset_metrics()
    here.append(float(model.train_on_batch(rows, labels)[0]))
print(f"loss of the first and last of 20 batches: {elsewhere[0]:.4f}, {elsewhere[1]:.4f} there")
print(f"                                   in Keras: {here[0]:.4f}, {here[-1]:.4f}")

cli = pathlib.Path(sysconfig.get_path("scripts")) / "saved_model_cli"
command = [str(cli), "show", "--dir", str(directory / "2"), "--tag_set", "serve"]
found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
signatures = [line.split('"')[1] for line in found.splitlines() if "SignatureDef key" in line]
print(f"signatures: {', '.join(signatures)}")
