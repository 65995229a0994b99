"""`l2l-data`: fill a TFDS data directory from packages, where there is no internet.

python -m l2l_tf.cli.data prepare mnist fashion_mnist cifar10 --data_dir=DIR
"""

import pathlib
import sys

from absl import flags

from l2l_tf.cli.command_line import run_command

FLAGS = flags.FlagValues()

flags.DEFINE_string(
    "data_dir",
    None,
    "Directory of datasets; default: TFDS's own ($TFDS_DATA_DIR or ~/tensorflow_datasets).",
    flag_values=FLAGS,
)

USAGE = "l2l-data prepare NAME… [--data_dir=DIR]"


def main(argv):
    """Entry point; returns the exit code."""
    from l2l_tf import data

    names = argv[2:]
    if len(argv) < 3 or argv[1] != "prepare":
        return _fail(
            f"Usage: {USAGE}, with names out of {', '.join(data.SOURCES)}. Received: {argv[1:]}"
        )
    unknown = [name for name in names if name not in data.SOURCES]
    if unknown:
        return _fail(f"A dataset is one of {sorted(data.SOURCES)}. Received: {unknown}")
    directory = pathlib.Path(FLAGS.data_dir or data.default_directory()).expanduser()
    if directory.exists() and not directory.is_dir():
        return _fail(f"--data_dir must be a directory. Received: {directory}")
    try:
        for name in names:
            data.prepare(name, directory)
    except (ValueError, RuntimeError, ImportError, OSError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on.", file=sys.stderr)
        return 130
    print(f"tfds.load(name, data_dir={str(directory)!r}) reads: {', '.join(names)}")
    return 0


def _fail(message):
    print(f"l2l-data: {message}", file=sys.stderr)
    return 2


def run(argv=None):
    """Entry point of `l2l-data`; returns the exit code."""
    return run_command("l2l-data", __doc__.partition(":")[2], FLAGS, main, argv)


if __name__ == "__main__":
    sys.exit(run())
