"""`l2l-train`: meta-train a rule on tasks and write a preset.

python -m l2l_tf.cli.train --rule=lstm --task='digits_mlp(hidden=20)' --output_dir=runs/first
"""

import math
import sys

from absl import flags

from l2l_tf import rules, tasks
from l2l_tf.cli.command_line import (
    CommandError,
    command_for_card,
    refuse_arguments,
    run_command,
    run_directory,
    unusable,
)

FLAGS = flags.FlagValues()

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
    "Rule, as 'name(argument=value,…)'; default: that of --start_from, or else lstm.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "start_from",
    None,
    "Preset, by name or directory, to start from; with --rule, its weights in another rule, such "
    "as those of an lstm in per_kind or gac_lstm.",
    flag_values=FLAGS,
)
flags.DEFINE_string("output_dir", None, "Directory of the run.", flag_values=FLAGS)
flags.DEFINE_integer("meta_steps", 1000, "Meta-updates in all.", 1, flag_values=FLAGS)
flags.DEFINE_float("meta_learning_rate", 3e-3, "Adam's learning rate.", 0.0, flag_values=FLAGS)
flags.DEFINE_float("clip_norm", 1.0, "Largest norm of a meta-gradient.", 0.0, flag_values=FLAGS)
flags.DEFINE_float(
    "weight_averaging",
    0.0,
    "Decay of the average of the meta-parameters that is validated and kept; 0: none.",
    0.0,
    flag_values=FLAGS,
)
flags.DEFINE_integer("unroll", 20, "Optimizee steps per meta-update.", 1, flag_values=FLAGS)
flags.DEFINE_multi_integer(
    "trajectory",
    [100],
    "Length of an optimizee's run; repeated: a curriculum, in the order given.",
    1,
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "loss_weights", "all", ["all", "final", "linear"], "Weights w_t.", flag_values=FLAGS
)
flags.DEFINE_enum(
    "meta_batch",
    "same",
    ["same", "fresh", "held_out"],
    "Where the meta-loss is measured.",
    flag_values=FLAGS,
)
flags.DEFINE_bool("log_loss", False, "Meta-loss of log f instead of f.", flag_values=FLAGS)
flags.DEFINE_float("log_floor", 1e-10, "Added to f before its logarithm.", 0.0, flag_values=FLAGS)
flags.DEFINE_float(
    "told", 1.0, "Share of trajectories whose length the rule is told.", 0.0, 1.0, flag_values=FLAGS
)
flags.DEFINE_enum(
    "estimator",
    "bptt",
    ["bptt", "es", "pes", "imitation"],
    "Estimator of the meta-gradient.",
    flag_values=FLAGS,
)
flags.DEFINE_float("sigma", 0.01, "Perturbations' size in ES and PES.", 0.0, flag_values=FLAGS)
flags.DEFINE_string(
    "teacher",
    "adam(learning_rate=0.01)",
    "Rule, or preset (by name or directory), whose updates --estimator=imitation learns.",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "trajectory_sampling",
    "fixed",
    ["fixed", "log_uniform"],
    "Whether a run has its curriculum's length, or one drawn from --unroll up to it.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "validation_trajectory", 0, "Steps of a validation; 0: the longest.", 0, flag_values=FLAGS
)
flags.DEFINE_enum(
    "scaling_level",
    "coordinate",
    ["coordinate", "tensor", "global"],
    "What shares a factor of --random_scaling.",
    flag_values=FLAGS,
)
flags.DEFINE_float(
    "scaling_share",
    1.0,
    "Share of optimizees that --random_scaling rescales.",
    0.0,
    1.0,
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "second_derivatives", False, "Differentiate the optimizee's gradients too.", flag_values=FLAGS
)
flags.DEFINE_integer(
    "recompute_every",
    0,
    "Steps k of an unroll of which BPTT keeps one state and computes the others again; 0: none.",
    0,
    flag_values=FLAGS,
)
flags.DEFINE_integer("batch_size", 4, "Tasks per meta-step.", 1, flag_values=FLAGS)
flags.DEFINE_float(
    "random_scaling",
    0.0,
    "Spread of the random scaling of coordinates: factors e^U(-s, s).",
    0.0,
    flag_values=FLAGS,
)
flags.DEFINE_integer("validate_every", 100, "Meta-steps between validations.", 1, flag_values=FLAGS)
flags.DEFINE_integer("validation_tasks", 8, "Optimizees per validation task.", 1, flag_values=FLAGS)
flags.DEFINE_integer(
    "patience",
    0,
    "Validations without improvement before stopping; 0: never.",
    0,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "checkpoint_every", 100, "Meta-steps between checkpoints.", 1, flag_values=FLAGS
)
flags.DEFINE_integer("seed", 0, "Seed of everything.", 0, 2**31 - 1, flag_values=FLAGS)
flags.DEFINE_bool("resume", False, "Continue from the newest valid checkpoint.", flag_values=FLAGS)
flags.DEFINE_bool("jit_compile", True, "Compile meta-steps with XLA.", flag_values=FLAGS)


def main(argv):
    """Train as the flags say; returns the exit code."""
    refuse_arguments(argv)
    if not FLAGS.task:
        raise CommandError(f"--task is needed. Received: --task={FLAGS.task}")
    output = run_directory(FLAGS)
    try:
        meta_run = meta_run_module()
        trainer = meta_run.build(FLAGS)
        output.mkdir(parents=True, exist_ok=True)
        resumed = FLAGS.resume and trainer.restore(output / "checkpoints")
    except OSError as error:
        raise unusable(output, error) from error
    except (ValueError, ImportError) as error:
        raise CommandError(str(error)) from error
    command = command_for_card("train", FLAGS)
    if trainer.finished:
        print(f"The run is finished ({trainer.meta_step} meta-steps).")
        if not (output / "preset").is_dir():
            meta_run.write_preset(trainer, output, command)
        print(f"The preset is in {output / 'preset'}")
        return 0
    if resumed:
        print(f"Going on from the checkpoint of meta-step {trainer.meta_step}.")
    elif FLAGS.resume:
        print("There is no valid checkpoint yet; starting afresh.")
    signal_number = meta_run.train(trainer, output, FLAGS.checkpoint_every, command)
    if signal_number:
        print(f"Interrupted at meta-step {trainer.meta_step}; go on with --resume.")
        if trainer.best_score < math.inf:
            print(f"The best preset so far is in {output / 'preset'}")
        return 128 + signal_number
    if trainer.best_score == math.inf:
        print("No validation was finite, so there is nothing to keep.", file=sys.stderr)
        return 1
    print(f"The preset is in {output / 'preset'}")
    return 0


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
    names = f"Tasks: {', '.join(tasks.names())}.\nRules: {', '.join(rules.names())}."
    description = f"{__doc__.partition(':')[2].strip()}\n\n{names}"
    return run_command("l2l-train", description, FLAGS, main, argv)


if __name__ == "__main__":
    sys.exit(run())
