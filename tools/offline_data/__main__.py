"""Fills a TFDS data directory from packages, where there is no internet.

python -m tools.offline_data mnist fashion_mnist cifar10 --data_dir=DIR
"""

import pathlib
import shlex
import sys

from absl import flags

from l2l_tf.cli.command_line import CommandError, run_command
from l2l_tf.data import default_directory
from tools import offline_data

FLAGS = flags.FlagValues()

flags.DEFINE_string(
    "data_dir",
    None,
    "Directory of datasets; default: TFDS's own ($TFDS_DATA_DIR or ~/tensorflow_datasets).",
    flag_values=FLAGS,
)


def main(argv):
    """Prepare the named data sets; returns the exit code."""
    names = argv[1:]
    unknown = [name for name in names if name not in offline_data.SOURCES]
    if unknown or not names:
        raise CommandError(
            f"Names of data sets are needed, out of {', '.join(sorted(offline_data.SOURCES))}. "
            f"Received: {shlex.join(unknown) or 'nothing'}"
        )
    directory = pathlib.Path(FLAGS.data_dir or default_directory()).expanduser()
    if directory.exists() and not directory.is_dir():
        raise CommandError(f"--data_dir is a directory. Received: --data_dir={directory}")
    try:
        for name in names:
            offline_data.prepare(name, directory)
    except (ValueError, RuntimeError, ImportError, OSError) as error:
        raise CommandError(f"{error}") from error
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on.", file=sys.stderr)
        return 130
    print(f"tfds.load(name, data_dir={str(directory)!r}) reads: {', '.join(names)}")
    return 0


def run(argv=None):
    """Entry point; returns the exit code."""
    description = f"{__doc__.strip()}\n\nNames: {', '.join(offline_data.SOURCES)}."
    return run_command("offline_data", description, FLAGS, main, argv)


if __name__ == "__main__":
    sys.exit(run())
