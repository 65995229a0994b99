"""`l2l-train`: meta-train a rule on tasks and write a preset.

python -m l2l_tf.cli.train --rule=lstm --task='digits_mlp(hidden=20)' --output_dir=runs/first
"""

import pathlib
import shlex
import sys

from absl import flags

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
flags.DEFINE_string("rule", "lstm", "Rule, as 'name(argument=value,…)'.", flag_values=FLAGS)
flags.DEFINE_string("output_dir", None, "Directory of the run.", flag_values=FLAGS)
flags.DEFINE_integer("meta_steps", 1000, "Meta-updates in all.", 1, flag_values=FLAGS)
flags.DEFINE_float("meta_learning_rate", 3e-3, "Adam's learning rate.", 0.0, flag_values=FLAGS)
flags.DEFINE_float("clip_norm", 1.0, "Largest norm of a meta-gradient.", 0.0, flag_values=FLAGS)
flags.DEFINE_integer("unroll", 20, "Optimizee steps per meta-update.", 1, flag_values=FLAGS)
flags.DEFINE_multi_integer(
    "trajectory",
    [100],
    "Length of an optimizee's run; repeated: a curriculum, in the order given.",
    1,
    flag_values=FLAGS,
)
flags.DEFINE_enum("loss_weights", "all", ["all", "final", "linear"], "w_t.", flag_values=FLAGS)
flags.DEFINE_enum(
    "meta_batch",
    "same",
    ["same", "fresh", "held_out"],
    "Where the meta-loss is measured.",
    flag_values=FLAGS,
)
flags.DEFINE_bool("log_loss", False, "Meta-loss of log f instead of f.", flag_values=FLAGS)
flags.DEFINE_bool(
    "second_derivatives", False, "Differentiate the optimizee's gradients too.", flag_values=FLAGS
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
flags.DEFINE_integer("seed", 0, "Seed.", 0, flag_values=FLAGS)
flags.DEFINE_bool("resume", False, "Continue from the newest valid checkpoint.", flag_values=FLAGS)
flags.DEFINE_bool("jit_compile", True, "Compile meta-steps with XLA.", flag_values=FLAGS)


def main(argv):
    """Entry point; returns the exit code."""
    if len(argv) > 1:
        return _fail(f"Unexpected arguments. Received: {argv[1:]}")
    if not FLAGS.task or not FLAGS.output_dir:
        return _fail(
            f"--task and --output_dir are needed. Received: --task={FLAGS.task} "
            f"--output_dir={FLAGS.output_dir}"
        )
    output = pathlib.Path(FLAGS.output_dir).expanduser()
    if output.is_file():
        return _fail(f"--output_dir must be a directory. Received: {output}")
    if not FLAGS.resume and output.is_dir() and any(output.iterdir()):
        return _fail(
            f"--output_dir is not empty; add --resume to go on with its run, or name "
            f"another. Received: --output_dir={output}"
        )
    from l2l_tf.meta import run as meta_run

    try:
        trainer = meta_run.build(FLAGS)
        if FLAGS.resume:
            trainer.restore(output / "checkpoints")
        if trainer.finished:
            print(f"The run is finished ({trainer.meta_step} meta-steps): {output / 'preset'}")
            if not (output / "preset").is_dir():
                meta_run.write_preset(trainer, output, _command())
            return 0
    except (ValueError, ImportError) as error:
        return _fail(str(error))
    finished = meta_run.train(trainer, output, FLAGS.checkpoint_every, _command())
    if not finished:
        print(f"Interrupted at meta-step {trainer.meta_step}; go on with --resume.")
        return 130
    print(f"The preset is in {output / 'preset'}")
    return 0


def _command():
    """The flags that were given, as one command line; no directory of this machine in it."""
    arguments = []
    for name in FLAGS:
        flag = FLAGS[name]
        if not flag.present or name == "resume":
            continue
        if name == "output_dir":
            run_name = pathlib.Path(flag.value).expanduser().resolve().name
            arguments.append(f"--output_dir=runs/{run_name}")
        else:
            arguments += flag.serialize().splitlines()
    return shlex.join(["python", "-m", "l2l_tf.cli.train", *arguments])


def _fail(message):
    print(f"l2l-train: {message}", file=sys.stderr)
    return 2


def run():
    """Parse the flags and exit with `main`'s code."""
    try:
        argv = FLAGS(sys.argv)
    except flags.Error as error:
        sys.exit(_fail(f"{error}. Received: {shlex.join(sys.argv[1:])}"))
    sys.exit(main(argv))


if __name__ == "__main__":
    run()
