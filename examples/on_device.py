"""A Keras model trained further on a device, by LiteRT's interpreter alone.

The model is trained on half of scikit-learn's digits, exported with its training, and goes on with
the other half where there is neither Keras nor TensorFlow; its state is kept in an .npz file there.
Beside it, the same steps in Keras. `pip install ai-edge-litert` brings the interpreter; without it
TensorFlow's own stands in.

python examples/on_device.py
"""

import pathlib
import tempfile

import keras
import numpy as np
from sklearn.datasets import load_digits

from l2l_tf import LearnedOptimizer, export

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    import tensorflow as tf

    Interpreter = tf.lite.Interpreter

BATCH = 32
x, y = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(x))  # The last digits are the hardest.
x, y = (x[order] / 16.0).astype("float32"), y[order].astype("int64")
early, late, held_out = slice(0, 700), slice(700, 1400), slice(1400, None)

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.layers.Input((64,)),
        keras.layers.Dense(32, "relu"),
        keras.layers.Dense(10),
    ]
)
model.compile(
    LearnedOptimizer(),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(x[early], y[early], batch_size=BATCH, verbose=0)

directory = pathlib.Path(tempfile.mkdtemp())
export.export_litert(model, directory / "training.tflite", batch_size=BATCH)
size = (directory / "training.tflite").stat().st_size
print(f"training.tflite: {size:,} bytes, for {model.count_params():,} weights")


def batches(epochs=3):
    generator = np.random.default_rng(0)
    for _ in range(epochs):
        drawn = generator.permutation(np.arange(late.start, late.stop))
        for rows in np.split(drawn[: len(drawn) // BATCH * BATCH], len(drawn) // BATCH):
            yield x[rows], y[rows]


def accuracy_of(logits):
    return float(np.mean(np.argmax(logits, axis=1) == y[held_out]))


# The device.
device = Interpreter(model_path=str(directory / "training.tflite"))
train, infer, save, restore = map(
    device.get_signature_runner, ("train", "infer", "save", "restore")
)
before = accuracy_of(infer(x=x[held_out])["output"])
for rows, labels in batches():
    loss_on_device = float(train(x=rows, y=labels)["loss"])
accuracy = accuracy_of(infer(x=x[held_out])["output"])
np.savez(directory / "state.npz", **save())

# Where the device was switched off and on again.
again = Interpreter(model_path=str(directory / "training.tflite"))
with np.load(directory / "state.npz") as state:
    steps = int(again.get_signature_runner("restore")(**state)["iterations"])
restored = accuracy_of(again.get_signature_runner("infer")(x=x[held_out])["output"])

# The same steps in Keras.
for rows, labels in batches():
    model.reset_metrics()
    loss = float(model.train_on_batch(rows, labels)[0])
in_keras = accuracy_of(model.predict(x[held_out], verbose=0))

print(f"held-out accuracy: {before:.3f} when it came to the device, {accuracy:.3f} trained there")
print(f"after a restart, at step {steps}: {restored:.3f}; the same steps in Keras: {in_keras:.3f}")
print(f"loss of the last batch: {loss_on_device:.4f} on the device, {loss:.4f} in Keras")
