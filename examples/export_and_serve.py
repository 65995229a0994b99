"""A model exported with its training: trained on by another process that has TensorFlow alone.

Prints the losses there beside those of the same steps in Keras, draws them in
export_and_serve.png, and shows what `saved_model_cli`, which TensorFlow installs, finds in the
directory: what TensorFlow Serving would serve.

python examples/export_and_serve.py
"""

import pathlib
import subprocess
import sys
import sysconfig
import tempfile

import keras
import numpy as np
from matplotlib import pyplot
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer, export

# The other process: there is neither Keras nor this package.
ELSEWHERE = """
import sys
import numpy as np, tensorflow as tf
sys.modules["keras"] = sys.modules["l2l_tf"] = None  # An import of either would fail.
loaded = tf.saved_model.load("1")
with np.load("batches.npz") as rows:
    x, y = rows["x"], rows["y"]
losses = [float(loaded.train_step(*batch)["loss"]) for batch in zip(x, y)]
tf.saved_model.save(loaded, "2", signatures=loaded.signatures)
print(*losses)
"""

x, y = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(x))  # The last digits are the hardest.
x, y = (x[order] / 16.0).astype("float32"), y[order].astype("int64")
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
print(f"loss of the first and last of {len(here)} batches")
print(f"  in TensorFlow alone: {elsewhere[0]:.4f}, {elsewhere[-1]:.4f}")
print(f"  in Keras:            {here[0]:.4f}, {here[-1]:.4f}")

figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
axes.plot(here, lw=5, alpha=0.4, label="in Keras")
axes.plot(elsewhere, lw=1.2, label="in TensorFlow alone, in a second process")
axes.set(xlabel="steps after the export", ylabel="loss of the batch", xticks=range(0, 21, 5))
axes.legend()
figure.savefig("export_and_serve.png", dpi=120)

cli = pathlib.Path(sysconfig.get_path("scripts")) / "saved_model_cli"
command = [str(cli), "show", "--dir", str(directory / "2"), "--tag_set", "serve"]
found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
keys = [line.split('"')[1] for line in found.splitlines() if "SignatureDef key" in line]
signatures = [key for key in keys if not key.startswith("_")]
print(f"signatures: {', '.join(signatures)}")
