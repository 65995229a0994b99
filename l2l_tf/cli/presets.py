"""`l2l-presets`: a table of the presets, or the model card of one.

Examples:

    l2l-presets
    l2l-presets --card=lstm-digits
"""

import operator
import sys

from absl import flags

from l2l_tf import presets
from l2l_tf.cli.command_line import (
    CommandError,
    command_flags,
    in_one_line,
    refuse_arguments,
    run_command,
)
from l2l_tf.cli.config_flags import define_flags, effective
from l2l_tf.cli.text_table import text_table
from l2l_tf.core.config import boolean
from l2l_tf.presets.summary import MEASURED_KERNEL

FLAGS = command_flags()
flags.DEFINE_string("card", None, "Preset (name or directory) to show.", flag_values=FLAGS)
define_flags(FLAGS, names=boolean(False, help="Only the names, one a line."))
effective(FLAGS, ["card"], {"names": operator.not_})
GROUPS = {"What to show": ("card", "names")}

HEAD = ["preset", "rule", "meta-trained on", "steps", "size", "bytes", "ns", "cost", "loss"]
LEAST = 0.001
LEGEND = f"""
steps: longest run in meta-training
size:  learned weights of the rule
bytes: of state per weight of your model (a {"×".join(map(str, MEASURED_KERNEL))} kernel)
ns:    per weight and step on one thread, of 100,000 weights (ntm-bfgs-quadratic: of 1,024)
cost:  that over what Keras's Adam took beside it
loss:  final train loss over that of Adam, its learning rate tuned for the task; less is better

LearnedOptimizer() uses {{default}}; LearnedOptimizer(preset=NAME) another one.
l2l-presets --card=NAME shows on which tasks that was measured, by which command, and how the preset
was made. l2l_tf.cost_report(model, optimizer) measures a step's cost on a model of yours,
l2l-evaluate --task=TASK --preset=NAME what comes of it beside tuned Adam."""


def main(argv):
    """List or show; returns the exit code."""
    refuse_arguments(argv)
    if FLAGS.names:
        print("\n".join(presets.list_presets()))
        return 0
    try:
        text = _table() if FLAGS.card is None else presets.load_card(FLAGS.card)
    except (ValueError, OSError) as error:
        raise CommandError(in_one_line(error)) from error
    print(text)
    return 0


def _table():
    rows = [_row(presets.summarize(name)) for name in presets.list_presets()]
    default = presets.default_preset()
    return text_table(HEAD, rows, wrapped=2) + "\n" + LEGEND.format(default=default)


def _row(summary):
    tasks = [f"{task} ×{n}" if n > 1 else task for task, n in summary.tasks.items()]
    return [
        summary.name,
        summary.rule,
        ", ".join(tasks) or "–",
        f"{summary.horizon or '–'}",
        f"{summary.meta_parameters:,}",
        f"{summary.state_bytes:,.0f}",
        _digits(summary.ns_per_weight),
        _digits(summary.times_adam),
        _digits(summary.loss_times_adam),
    ]


def _digits(value):
    """Two digits behind the point below 10, else none; a dash for what a card does not say."""
    if value is None:
        return "–"
    if value < LEAST:
        return f"<{LEAST}"
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


def run(argv=None):
    """Entry point of `l2l-presets`; returns the exit code."""
    return run_command("l2l-presets", __doc__.partition(":")[2], FLAGS, main, argv, groups=GROUPS)


if __name__ == "__main__":
    sys.exit(run())
