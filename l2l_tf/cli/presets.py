"""`l2l-presets`: list the presets, or show the model card of one.

python -m l2l_tf.cli.presets --card=NAME
"""

import sys

from absl import flags

from l2l_tf import presets
from l2l_tf.cli.command_line import CommandError, command_flags, refuse_arguments, run_command

FLAGS = command_flags()
flags.DEFINE_string("card", None, "Preset (name or directory) to show.", flag_values=FLAGS)


def main(argv):
    """List or show; returns the exit code."""
    refuse_arguments(argv)
    try:
        lines = presets.list_presets() if FLAGS.card is None else [presets.load_card(FLAGS.card)]
    except (ValueError, OSError) as error:
        raise CommandError(str(error)) from error
    print("\n".join(lines))
    return 0


def run(argv=None):
    """Entry point of `l2l-presets`; returns the exit code."""
    return run_command("l2l-presets", __doc__.partition(":")[2], FLAGS, main, argv)


if __name__ == "__main__":
    sys.exit(run())
