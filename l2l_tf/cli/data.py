"""`l2l-data`: fill a TFDS data directory from packages, where there is no internet.

python -m l2l_tf.cli.data prepare mnist fashion_mnist cifar10 --data_dir=DIR
"""

import pathlib
import shlex
import sys

from absl import flags

from l2l_tf.cli.command_line import CommandError, run_command

FLAGS = flags.FlagValues()

flags.DEFINE_string(
    "data_dir",
    None,
    "Directory of datasets; default: TFDS's own ($TFDS_DATA_DIR or ~/tensorflow_datasets).",
    flag_values=FLAGS,
)

USAGE = "l2l-data prepare NAME… [--data_dir=DIR]"


def main(argv):
    """Prepare the named data sets; returns the exit code."""
    from l2l_tf import data

    names = argv[2:]
    if len(argv) < 3 or argv[1] != "prepare":
        raise CommandError(
            f"Usage: {USAGE}, with names out of {', '.join(data.SOURCES)}. "
            f"Received: {shlex.join(argv[1:]) or 'nothing'}"
        )
    unknown = [name for name in names if name not in data.SOURCES]
    if unknown:
        raise CommandError(
            f"A dataset is one of {', '.join(sorted(data.SOURCES))}. "
            f"Received: {shlex.join(unknown)}"
        )
    directory = pathlib.Path(FLAGS.data_dir or data.default_directory()).expanduser()
    if directory.exists() and not directory.is_dir():
        raise CommandError(f"--data_dir is a directory. Received: --data_dir={directory}")
    try:
        for name in names:
            data.prepare(name, directory)
    except (ValueError, RuntimeError, ImportError, OSError) as error:
        raise CommandError(f"{error}") from error
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on.", file=sys.stderr)
        return 130
    print(f"tfds.load(name, data_dir={str(directory)!r}) reads: {', '.join(names)}")
    return 0


def run(argv=None):
    """Entry point of `l2l-data`; returns the exit code."""
    from l2l_tf.data import SOURCES

    description = f"{__doc__.partition(':')[2].strip()}\n\nNames: {', '.join(SOURCES)}."
    return run_command("l2l-data", description, FLAGS, main, argv)


if __name__ == "__main__":
    sys.exit(run())
