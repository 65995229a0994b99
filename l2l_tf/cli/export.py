"""`l2l-export`: a SavedModel that needs only TensorFlow, or a file that trains on a device.

It needs --output_dir, and the compiled --model whose training is exported, or else the --preset or
--rule whose step is: without a model, and for a rule that looks at whole tensors, as the default
does, --shapes too.

Examples:

    l2l-export --model=model.keras --output_dir=training
    l2l-export --model=model.keras --kind=litert --batch_size=8 --output_dir=device
    l2l-export --preset=runs/first/preset --output_dir=step
    l2l-export --shapes='784x20;20;20x10;10' --output_dir=step_of_the_default
"""

import contextlib
import operator
import re
import sys

from absl import flags, logging

from l2l_tf.cli.command_line import (
    CommandError,
    command_flags,
    in_one_line,
    listed,
    output_directory,
    refuse_arguments,
    run_command,
)
from l2l_tf.cli.config_flags import define_flags, effective
from l2l_tf.core import notices
from l2l_tf.core.config import among, choice, integer, number

FLAGS = command_flags()

flags.DEFINE_string(
    "preset",
    None,
    "Preset, by name or directory, whose step is exported; default: the shipped default.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "rule",
    None,
    "Rule or preset whose step is exported instead, such as 'adam(beta_1=0.8)'.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "model",
    None,
    "Compiled model (.keras) to export with its training instead of a preset's step.",
    flag_values=FLAGS,
)
flags.DEFINE_string("output_dir", None, "New or empty directory.", flag_values=FLAGS)
flags.DEFINE_string(
    "shapes",
    None,
    "Shapes of the parameters, as '3x4;4;scalar', for rules that look at whole tensors, "
    "which need them; default: one vector of any length.",
    flag_values=FLAGS,
)
define_flags(
    FLAGS,
    learning_rate=number(
        None,
        help="Multiplies the updates of the step; for a rule with a rate of its own, that rate.",
    ),
    kind=choice(
        "savedmodel",
        ("savedmodel", "litert"),
        help="SavedModel, or OUTPUT_DIR/training.tflite with a --model's training in LiteRT's "
        "operations.",
    ),
    batch_size=integer(
        32, min=1, help="Rows of a batch on a device.", when={"kind": among("litert")}
    ),
)
effective(FLAGS, ("preset", "rule", "shapes", "learning_rate"), {"model": operator.not_})
GROUPS = {
    "What to export": ("model", "preset", "rule", "output_dir", "kind"),
    "For a device (--kind=litert)": ("batch_size",),
    "Of a preset's step": ("shapes", "learning_rate"),
}


def main(argv):
    """Export as the flags say; returns the exit code."""
    refuse_arguments(argv)
    output_directory(FLAGS)
    on_device = FLAGS.kind == "litert"
    if on_device and not FLAGS.model:
        raise CommandError(f"--kind=litert is of a --model. Received: --model={FLAGS.model}")
    shapes = None if FLAGS.shapes is None else _shapes(FLAGS.shapes)
    import keras

    import l2l_tf
    from l2l_tf import export
    from l2l_tf.export.destination import check_destination

    try:
        if on_device:
            file = check_destination(FLAGS.output_dir) / "training.tflite"
            with _quietly():
                export.export_litert(_model(keras, FLAGS.model), file, FLAGS.batch_size)
            print(f"{file.stat().st_size:,} bytes are in {file}: train, infer, save, restore.")
            return 0
        if FLAGS.model:
            model = _model(keras, FLAGS.model)
            with _quietly():
                export.export_training(model, FLAGS.output_dir)
        else:
            optimizer = l2l_tf.LearnedOptimizer(
                FLAGS.learning_rate, preset=FLAGS.preset, rule=FLAGS.rule
            )
            if shapes is None and not optimizer.rule.coordinatewise:
                raise CommandError(
                    "A rule that looks at whole tensors needs --shapes, those of the model's "
                    "parameters, such as --shapes='64x10;10'; or give the compiled model itself, "
                    f"--model=model.keras. Received: --shapes=None with {_source(FLAGS)}"
                )
            with _quietly():
                export.export_step(optimizer, FLAGS.output_dir, shapes)
    except (ValueError, TypeError, OSError) as error:
        raise CommandError(in_one_line(error)) from error
    print(f"The SavedModel is in {FLAGS.output_dir}")
    return 0


@contextlib.contextmanager
def _quietly():
    """Without TensorFlow's notices, and without its advice on names of signatures' inputs."""
    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with notices.quietly():
            yield
    finally:
        logging.set_verbosity(before)


def _source(flag_values):
    from l2l_tf.presets import default_preset

    given = [f"--{n}={flag_values[n].value}" for n in ("preset", "rule") if flag_values[n].present]
    return " ".join(given) or f"the default, --preset={default_preset()}"


def _model(keras, file):
    try:
        return keras.models.load_model(file)
    except (ValueError, TypeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise CommandError(
            f"--model is a .keras file that can be loaded ({reason[:200]}). "
            f"Received: --model={file}"
        ) from error


def _shapes(text):
    """Shapes of a text such as `3x4;4;scalar`."""
    shapes = []
    for part in text.split(";"):
        part = part.strip()
        if part == "scalar":
            shapes.append(())
        elif re.fullmatch(r"\d+(x\d+)*", part):
            shapes.append(tuple(int(d) for d in part.split("x")))
        else:
            raise CommandError(
                "--shapes is written as '3x4;4', or 'scalar' for a number. "
                f"Received: --shapes={text}"
            )
    return shapes


def run(argv=None):
    """Entry point of `l2l-export`; returns the exit code."""
    return run_command("l2l-export", _description, FLAGS, main, argv, groups=GROUPS)


def _description():
    from l2l_tf import presets, rules

    names = listed(Presets=presets.list_presets(), Rules=rules.names())
    return f"{__doc__.partition(':')[2].strip()}\n\n{names}"


if __name__ == "__main__":
    sys.exit(run())
