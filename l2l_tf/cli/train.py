r"""`l2l-train`: meta-train a rule on tasks and write a preset.

Meta-training looks for the weights of an update rule by training many small models, the tasks,
with it. It needs --task, which may have arguments, and --output_dir, where checkpoints, summaries
and the preset go; the preset is what LearnedOptimizer(preset="runs/first/preset") takes. What is
not said has a default. The first line below takes minutes and needs no download.

Examples:

    l2l-train --rule=lstm --task='digits_mlp(hidden=20)' --output_dir=runs/first
    l2l-train --rule=rnnprop --task=digits_mlp --task=quadratic --meta_steps=4000 \
        --trajectory=200 --output_dir=runs/two
    l2l-train --start_from=lstm-digits --task=row_rnn --estimator=pes --output_dir=runs/third
"""

import dataclasses
import math
import sys
import textwrap

from absl import flags

from l2l_tf import presets, rules, tasks
from l2l_tf.cli import config_flags
from l2l_tf.cli.command_line import (
    CommandError,
    command_flags,
    command_for_card,
    errors_of_data,
    in_one_line,
    listed,
    refuse_arguments,
    run_command,
    run_directory,
    unusable,
)
from l2l_tf.core.config import among, boolean, choice, flag_of, setting
from l2l_tf.meta.estimators import ESTIMATORS
from l2l_tf.meta.settings import Settings
from l2l_tf.meta.spread import STRATEGIES

FLAGS = command_flags()

flags.DEFINE_multi_string(
    "task", None, "Task to train on, as 'name(argument=value,…)'; repeatable.", flag_values=FLAGS
)
flags.DEFINE_multi_string(
    "validation_task",
    None,
    "Task to validate on; default: the tasks trained on, with other seeds.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "rule",
    None,
    "Rule, as 'name(argument=value,…)', or a preset; default: that of --start_from, or else lstm.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "start_from",
    None,
    "Preset (name or directory) or rule to start from; with --rule, its weights in another rule, "
    "such as those of an lstm in partition or gac_lstm.",
    flag_values=FLAGS,
)
flags.DEFINE_string("output_dir", None, "Directory of the run.", flag_values=FLAGS)
flags.DEFINE_string(
    "estimator",
    "bptt",
    "Estimator of the meta-gradient, of those above; flags with its name in brackets are its own.",
    flag_values=FLAGS,
)
config_flags.define_flags(
    FLAGS,
    partner=setting(
        None,
        help="With --meta_optimizer=dual the second rule or preset, which is trained in turn; "
        "default: the one that is trained, once more.",
        when={"meta_optimizer": among("dual")},
    ),
    strategy=choice(
        "none",
        STRATEGIES,
        help="Over what the optimizees of a meta-step are spread: this device alone, all GPUs of "
        "this machine, or the workers of TF_CONFIG (docs/distributed.md).",
    ),
    resume=boolean(False, help="Continue from the newest valid checkpoint."),
)
GROUPS = {
    "What to train (--task and --output_dir are needed)": (
        *("task", "rule", "output_dir", "start_from", "partner", "resume", "validation_task"),
    ),
    "The run": config_flags.define(FLAGS, Settings),
    "Tasks in other units": config_flags.define(FLAGS, tasks.RandomScaling, spread=0.0),
}


def define_estimators(flag_values):
    """Define the flags of all registered estimators, those of the user's own too.

    One that the chosen estimator has not is refused, as it has no effect.

    Raises:
        CommandError: If a flag of one of them means something else already.
    """
    for name in ESTIMATORS.names():
        try:
            config_flags.define(flag_values, ESTIMATORS.named(name))
        except ValueError as error:
            raise CommandError(str(error)) from error
    owners = {}
    for name, cls in ESTIMATORS.classes.items():
        for field in dataclasses.fields(cls):
            owners.setdefault(flag_of(field), set()).add(name)
    for name, having in owners.items():
        if name in flag_values and name not in map(flag_of, dataclasses.fields(Settings)):
            # An estimator that is none is another error.
            others = set(ESTIMATORS.names()) - having
            config_flags.effective(flag_values, [name], {"estimator": _is_none_of(others)})


def _is_none_of(names):
    return lambda name: name not in names


_before = set(FLAGS)
define_estimators(FLAGS)
GROUPS["The meta-gradient"] = ["estimator", *(name for name in FLAGS if name not in _before)]


def main(argv):
    """Train as the flags say; returns the exit code."""
    refuse_arguments(argv)
    if not FLAGS.task:
        raise CommandError(f"--task is needed. Received: --task={FLAGS.task}")
    output = run_directory(FLAGS)
    meta_run = meta_run_module()
    try:
        trainer = meta_run.build(FLAGS, meta_run.spread_by(FLAGS.strategy))
    except (ValueError, ImportError, OSError, *errors_of_data()) as error:
        raise CommandError(in_one_line(error)) from error
    try:
        output.mkdir(parents=True, exist_ok=True)
        resumed = FLAGS.resume and trainer.restore(output / "checkpoints")
        trainer.spread.check_alike("meta_step", trainer.meta_step)
    except OSError as error:
        raise unusable(output, error) from error
    except ValueError as error:
        raise CommandError(str(error)) from error
    command = command_for_card("train", FLAGS)
    if trainer.finished:
        print(f"The run is finished ({trainer.meta_step} meta-steps).")
        if trainer.best_score == math.inf:
            return _nothing_to_keep()
        if trainer.spread.writes and not (output / "preset").is_dir():
            meta_run.write_presets(trainer, output, command)
        print(f"The preset is in {output / 'preset'}")
        return 0
    if resumed:
        print(f"Going on from the checkpoint of meta-step {trainer.meta_step}.")
    elif FLAGS.resume:
        print("There is no checkpoint yet; starting afresh.")
    try:
        signal_number = meta_run.train(trainer, output, FLAGS.checkpoint_every, command)
    except OSError as error:
        raise unusable(output, error) from error
    if signal_number:
        print(f"Interrupted at meta-step {trainer.meta_step}; go on with --resume.")
        if trainer.best_score < math.inf:
            print(f"The best preset so far is in {output / 'preset'}")
        return 128 + signal_number
    if trainer.best_score == math.inf:
        return _nothing_to_keep()
    print(f"The preset is in {output / 'preset'}")
    return 0


def _nothing_to_keep():
    print("No validation was finite, so there is nothing to keep.", file=sys.stderr)
    return 1


def meta_run_module():
    """`l2l_tf.meta.run`.

    Raises:
        CommandError: If packages are missing that meta-training needs.
    """
    try:
        from l2l_tf.meta import run
    except ImportError as error:
        raise CommandError(
            f"Meta-training needs more packages: pip install 'l2l-tf[train]'. Received: {error}"
        ) from error
    return run


def run(argv=None):
    """Entry point of `l2l-train`; returns the exit code."""
    return run_command(
        "l2l-train", _description, FLAGS, main, argv, lambda: define_estimators(FLAGS), GROUPS
    )


def _description():
    return f"{__doc__.partition(':')[2].strip()}\n\n{known_names()}"


def known_names():
    """What may be named, for the help: tasks, rules, presets, and estimators with a line each."""
    named = listed(Tasks=tasks.names(), Rules=rules.names(), Presets=presets.list_presets())
    lines = [named, "Estimators of the meta-gradient:"]
    for name, cls in sorted(ESTIMATORS.classes.items()):
        about = (cls.__doc__ or "").strip().partition("\n")[0]
        lines.append(textwrap.fill(f"    {name}: {about}", 94, subsequent_indent="        "))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(run())
