"""`l2l-demo`: meta-train an LSTM on digits, compare it with tuned baselines, export a training.

A few minutes; nothing has to be given, and nothing is downloaded. The grids of learning rates are
coarser than those of `l2l-evaluate`: two rates a decade from 1e-3 to 1, one seed each, extended
while the best is at an edge.

Examples:

    l2l-demo
    l2l-demo --meta_steps=4000 --output_dir=runs/demo
"""

import pathlib
import subprocess
import sys
import time

from absl import flags

from l2l_tf.cli.command_line import (
    CommandError,
    command_flags,
    refuse_arguments,
    run_command,
    unusable,
)
from l2l_tf.cli.config_flags import define_flags
from l2l_tf.cli.text_table import terminal_width
from l2l_tf.core.config import integer

FLAGS = command_flags()
flags.DEFINE_string(
    "output_dir", "demo_output", "Directory for all that it writes.", flag_values=FLAGS
)
define_flags(FLAGS, meta_steps=integer(1200, min=1, help="Meta-updates of the LSTM."))
GROUPS = {"How long, and where to": ("meta_steps", "output_dir")}

BASELINES = ["sgd", "momentum", "rmsprop", "adam"]

RELOAD = """
import sys
import numpy as np
import tensorflow as tf
module = tf.saved_model.load(sys.argv[1])
rows, labels = np.load(sys.argv[2]), np.load(sys.argv[3])
losses = [float(module.train_step(rows, labels)["loss"]) for _ in range(20)]
print(f"Reloaded with TensorFlow alone: loss {losses[0]:.4f}, 20 steps later {losses[-1]:.4f}")
tf.saved_model.save(module, sys.argv[1] + "_again", signatures=module.signatures)
"""


def meta_train(directory, meta_steps):
    """Meta-train the paper's LSTM on the digits MLP; a finished run is taken as it is."""
    flags = [
        "--rule=lstm",
        "--task=digits_mlp",
        f"--meta_steps={meta_steps}",
        "--num_tasks=2",
        "--trajectory=100",
        "--log_loss",
        "--validate_every=300",
        "--checkpoint_every=300",
        f"--output_dir={directory}",
        "--resume",
    ]
    done = subprocess.run([sys.executable, "-m", "l2l_tf.cli.train", *flags])
    if done.returncode:
        raise CommandError(f"Meta-training did not end. Received: exit code {done.returncode}")
    return directory / "preset"


def compare(preset, output):
    """Learned optimizers beside tuned ones on the digits MLP: table, records and plot."""
    import l2l_tf
    from l2l_tf import evaluation

    contenders = [
        evaluation.learned(preset, name="demo's lstm"),
        evaluation.learned("lstm-digits"),
        # As `fit` uses it, which tells it the length of the run.
        evaluation.learned(l2l_tf.presets.default_preset(), "default preset", known_horizon=True),
        *BASELINES,
    ]
    grid = evaluation.Grid(1e-3, 1.0, 2)
    results = evaluation.evaluate(
        "digits_mlp",
        contenders,
        steps=100,
        seeds=3,
        grid=grid,
        grid_seeds=1,
        progress=sys.stderr.isatty(),
    )
    from rich.console import Console

    Console(width=terminal_width()).print(results.to_table())
    results.to_csv(output / "results.csv")
    results.to_json(output / "results.json")
    results.plot(output / "curves.png")
    return results


def train_and_export(output):
    """A Keras model under the default, exported, and trained on by TensorFlow alone."""
    import keras
    import numpy as np

    import l2l_tf
    from l2l_tf import export, tasks

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
    directory = output / "saved_model" / time.strftime("%Y%m%d-%H%M%S")
    export.export_training(model, directory)
    for name, array in (("rows", rows), ("labels", labels.astype("int64"))):
        np.save(output / f"{name}.npy", array)
    arguments = [str(directory), str(output / "rows.npy"), str(output / "labels.npy")]
    done = subprocess.run(
        [sys.executable, "-c", RELOAD, *arguments], capture_output=True, text=True
    )
    if done.returncode:
        raise CommandError(f"The exported training failed. Received: {done.stderr}")
    print(done.stdout, end="")


def main(argv):
    """Run the demo; returns the exit code."""
    refuse_arguments(argv)
    output = pathlib.Path(FLAGS.output_dir).expanduser()
    try:
        import rich  # noqa: F401
        import sklearn  # noqa: F401

        output.mkdir(parents=True, exist_ok=True)
    except ImportError as error:
        raise CommandError(
            f"The demo needs more packages: pip install 'l2l-tf[train,plots]'. Received: {error}"
        ) from error
    except OSError as error:
        raise unusable(output, error) from error
    started = time.perf_counter()
    preset = meta_train(output / "meta_training", FLAGS.meta_steps)
    print(f"Meta-training: {time.perf_counter() - started:.0f} s")
    compare(preset, output)
    train_and_export(output)
    print(f"Table, records and curves.png are in {output}/ ({time.perf_counter() - started:.0f} s)")
    return 0


def run(argv=None):
    """Entry point of `l2l-demo`; returns the exit code."""
    return run_command("l2l-demo", __doc__.partition(":")[2], FLAGS, main, argv, groups=GROUPS)


if __name__ == "__main__":
    sys.exit(run())
