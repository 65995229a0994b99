"""Meta-trains what the paper's experiments need, one after another.

python -m experiments.paper.train --only=lstm-mnist --output_dir=runs/paper

A run that was interrupted goes on from its newest checkpoint; one that is finished is left alone.
"""

import pathlib
import subprocess
import sys

from absl import app, flags

from experiments.paper.plan import RUNS

FLAGS = flags.FLAGS
# The kinds of networks of the transfer matrix, on digits: cheap enough to train on each.
TRANSFER_TASKS = {
    "1-layer": "digits_mlp",
    "2-layers": "digits_mlp(layers=2)",
    "relu": "digits_mlp(activation=relu)",
    "residual": "residual_net",
    "highway": "highway_net",
    "rnn": "row_rnn",
}
TRANSFER_RULES = ("lstm", "rnnprop")
_USUAL = ("--unroll=20", "--trajectory=100", "--log_loss", "--meta_learning_rate=3e-3")
_TRANSFER = ("--meta_steps=400", "--batch_size=2", "--validate_every=100", "--validation_tasks=4")
COMMANDS = {
    "lstm-quadratic-uniform": (
        "--rule=lstm",
        "--task=quadratic_uniform",
        "--meta_steps=5000",
        "--batch_size=1",
        "--validate_every=250",
        "--checkpoint_every=250",
        "--validation_tasks=4",
    ),
    "lstm-mnist": (
        "--start_from=lstm-digits",
        "--task=mnist_mlp",
        "--meta_steps=800",
        "--batch_size=1",
        "--validate_every=100",
        "--checkpoint_every=50",
        "--validation_tasks=3",
    ),
    "lstm-cifar10": (
        "--rule=per_kind",
        "--task=cifar10_conv(batch_size=32)",
        "--meta_steps=200",
        "--batch_size=1",
        "--validate_every=50",
        "--checkpoint_every=20",
        "--validation_tasks=1",
    ),
    **{
        f"transfer-{rule}-{net}": (f"--rule={rule}", f"--task={task}", *_TRANSFER)
        for rule in TRANSFER_RULES
        for net, task in TRANSFER_TASKS.items()
    },
}

if __name__ == "__main__":
    flags.DEFINE_string("output_dir", RUNS, "A directory for the runs.")
    flags.DEFINE_list("only", [], f"Which to train, of {', '.join(COMMANDS)}; default: all.")


def command(name, directory):
    """The `l2l-train` command line of one run."""
    return [
        *(sys.executable, "-m", "l2l_tf.cli.train", f"--output_dir={directory}", "--resume"),
        *(*_USUAL, *COMMANDS[name]),
    ]


def main(argv):
    del argv
    unknown = sorted(set(FLAGS.only) - set(COMMANDS))
    if unknown:
        sys.exit(f"--only names runs, of {', '.join(COMMANDS)}. Received: {', '.join(unknown)}")
    for name in FLAGS.only or COMMANDS:
        directory = pathlib.Path(FLAGS.output_dir) / name
        if (directory / "preset").is_dir():
            print(f"{name} is finished")
            continue
        subprocess.run(command(name, directory), check=True)


if __name__ == "__main__":
    app.run(main)
