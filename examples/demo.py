"""The main job in minutes: meta-train an LSTM, compare it with tuned baselines, export it.

Run by `make demo`; writes to `demo_output/`. The grids of learning rates are coarser than
those of `l2l-evaluate`: two rates a decade from 1e-3 to 1, one seed each, extended while the
best is at an edge.
"""

import pathlib
import subprocess
import sys
import time

import keras
import numpy as np
from rich.console import Console

import l2l_tf
from l2l_tf import evaluation, export, tasks

OUTPUT = pathlib.Path("demo_output")
META_STEPS = 1200
BASELINES = ["sgd", "momentum", "rmsprop", "adam"]

RELOAD = """
import sys
import numpy as np
import tensorflow as tf
module = tf.saved_model.load(sys.argv[1])
rows, labels = np.load(sys.argv[2]), np.load(sys.argv[3])
losses = [float(module.train_step(rows, labels)["loss"]) for _ in range(20)]
print(f"Reloaded with TensorFlow alone: loss {losses[0]:.4f}, 20 steps later {losses[-1]:.4f}")
tf.saved_model.save(module, sys.argv[1] + "_again")
"""


def meta_train(directory):
    """Meta-train the paper's LSTM on the digits MLP; a finished run is taken as it is."""
    flags = [
        "--rule=lstm",
        "--task=digits_mlp",
        f"--meta_steps={META_STEPS}",
        "--num_tasks=2",
        "--trajectory=100",
        "--log_loss",
        "--validate_every=300",
        "--checkpoint_every=300",
        f"--output_dir={directory}",
        "--resume",
    ]
    subprocess.run([sys.executable, "-m", "l2l_tf.cli.train", *flags], check=True)
    return directory / "preset"


def compare(preset):
    """Learned optimizers beside tuned ones on the digits MLP: table, records and plot."""
    contenders = [
        evaluation.learned(preset, name="lstm (this demo's)"),
        evaluation.learned("lstm-digits"),
        evaluation.learned(l2l_tf.presets.default_preset(), name="default preset"),
        *BASELINES,
    ]
    grid = evaluation.Grid(1e-3, 1.0, 2)
    results = evaluation.evaluate(
        "digits_mlp", contenders, steps=100, seeds=3, grid=grid, grid_seeds=1, progress=True
    )
    Console(width=140).print(results.to_table())
    results.to_csv(OUTPUT / "results.csv")
    results.to_json(OUTPUT / "results.json")
    results.plot(OUTPUT / "curves.png")
    return results


def train_and_export():
    """A Keras model under the default, exported, and trained on by TensorFlow alone."""
    rows, labels = (np.asarray(t) for t in tasks.digits("train"))
    test_rows, test_labels = (np.asarray(t) for t in tasks.digits("test"))
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Input((64,)),
            keras.layers.Dense(64, "relu"),
            keras.layers.Dense(10, "softmax"),
        ]
    )
    model.compile(
        l2l_tf.LearnedOptimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(rows, labels, 128, epochs=10, verbose=0)
    loss, accuracy = model.evaluate(test_rows, test_labels, verbose=0)
    print(f"Keras model, 10 epochs, held-out digits: loss {loss:.4f}, accuracy {accuracy:.4f}")
    directory = OUTPUT / "saved_model" / time.strftime("%Y%m%d-%H%M%S")
    export.export_training(model, directory)
    for name, array in (("rows", rows), ("labels", labels.astype("int64"))):
        np.save(OUTPUT / f"{name}.npy", array)
    arguments = [str(directory), str(OUTPUT / "rows.npy"), str(OUTPUT / "labels.npy")]
    subprocess.run([sys.executable, "-c", RELOAD, *arguments], check=True)


def main():
    """Run the demo."""
    OUTPUT.mkdir(exist_ok=True)
    started = time.perf_counter()
    preset = meta_train(OUTPUT / "meta_training")
    print(f"Meta-training: {time.perf_counter() - started:.0f} s")
    compare(preset)
    train_and_export()
    print(f"Table, records and curves.png are in {OUTPUT}/ ({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
