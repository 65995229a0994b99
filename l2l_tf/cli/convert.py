"""`l2l-convert`: published weights of other learned optimizers as a preset.

It needs --source, --weights, a file that the authors publish, and --output.

Examples:

    l2l-convert --source=celo --weights=celo_weights.npz --output=presets/celo
"""

import pathlib
import shlex
import sys
import zipfile

import numpy as np
from absl import flags

from l2l_tf import presets
from l2l_tf.cli.command_line import (
    CommandError,
    command_flags,
    in_one_line,
    refuse_arguments,
    run_command,
)
from l2l_tf.cli.config_flags import define_flags
from l2l_tf.core.config import among, boolean, choice
from l2l_tf.core.files import UNREADABLE
from l2l_tf.rules.celo.published_weights import SOURCES, rule_from_published_weights

FLAGS = command_flags()

define_flags(
    FLAGS,
    source=choice(None, SOURCES, help="Whose weights."),
    orthogonalize=boolean(
        True,
        help="Celo2 only: with orthogonalised matrices (Celo2) or without (Celo2-base).",
        when={"source": among("celo2")},
    ),
)
flags.DEFINE_string(
    "weights", None, "The .npz file, one array per name of the authors.", flag_values=FLAGS
)
flags.DEFINE_string("output", None, "The preset directory to write.", flag_values=FLAGS)
GROUPS = {"What to convert": ("source", "weights", "output")}

CARD = """# {rule}

Weights of {source} as its authors publish them, converted by

    {command}

`{description}`
"""


def main(argv):
    """Entry point; returns the exit code."""
    refuse_arguments(argv)
    given = {name: getattr(FLAGS, name) for name in ("source", "weights", "output")}
    if not all(given.values()):
        received = " ".join(f"--{name}={value}" for name, value in given.items())
        raise CommandError(f"--source, --weights and --output are needed. Received: {received}")
    try:
        arrays = read_arrays(FLAGS.weights)
        config = {"orthogonalize": FLAGS.orthogonalize} if FLAGS.source == "celo2" else {}
        rule = rule_from_published_weights(FLAGS.source, arrays, **config)
        card = CARD.format(
            rule=type(rule).__name__, source=FLAGS.source, command=_command(), description=rule
        )
        presets.save_preset(FLAGS.output, rule, card)
    except (ValueError, OSError) as error:
        raise CommandError(in_one_line(error)) from error
    print(f"LearnedOptimizer(preset={FLAGS.output!r}) uses it.")
    return 0


def read_arrays(path):
    """All arrays of an `.npz` file, a dict name → array; nothing is unpickled.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no `.npz` file, or damaged, or holds Python objects.
    """
    path = pathlib.Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"There is no such file of weights. Received: {str(path)!r}")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"Weights are read from an .npz file. Received: {str(path)!r}")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except UNREADABLE as error:
        raise ValueError(
            f"The .npz file cannot be read ({error}). Received: {str(path)!r}"
        ) from error


def _command():
    """The command that stands in the card: files by name, whatever their directory."""
    weights = pathlib.Path(FLAGS.weights).name
    output = pathlib.Path(FLAGS.output).name
    command = [
        "l2l-convert",
        f"--source={FLAGS.source}",
        f"--weights={weights}",
        f"--output={output}",
    ]
    if FLAGS.source == "celo2" and not FLAGS.orthogonalize:
        command.append("--noorthogonalize")
    return shlex.join(command)


def run(argv=None):
    """Entry point of `l2l-convert`; returns the exit code."""
    return run_command("l2l-convert", __doc__.partition(":")[2], FLAGS, main, argv, groups=GROUPS)


if __name__ == "__main__":
    sys.exit(run())
