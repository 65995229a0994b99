"""What a command does before the package is imported."""

import sys

from l2l_tf.core.notices import import_tensorflow_quietly
from l2l_tf.core.quick_answers import answer_at_once
from l2l_tf.core.started_as import command_of
from l2l_tf.core.tensorflow_rooms import has_tensorflow

# The extra that has what a command needs.
EXTRAS = {
    "convert": "tensorflow",
    "demo": "train,plots",
    "evaluate": "train,plots",
    "export": "tensorflow",
    "presets": "tensorflow",
    "search": "train",
    "train": "train",
}
# Those that any of Keras's backends will do for.
_OF_ANY_BACKEND = ("convert", "presets")


def start(arguments: list[str], original_arguments: list[str]) -> None:
    """Where the process is a command, answer at once or import TensorFlow without its notices.

    A process that is no command is left as it is.

    Args:
        arguments: `sys.argv`; while `python -m` looks for its module, the first one is "-m".
        original_arguments: `sys.orig_argv`.

    Raises:
        SystemExit: After an answer: 0, or 2 if there is something to correct.
    """
    command = command_of(arguments, original_arguments)
    if command is None:
        return
    answer_at_once(command, arguments[1:])
    if has_tensorflow():
        import_tensorflow_quietly()
    elif command not in _OF_ANY_BACKEND or not _keras_runs():
        also = ", or KERAS_BACKEND=jax or torch" if command in _OF_ANY_BACKEND else ""
        print(
            f"l2l-{command}: TensorFlow is needed{also}: pip install 'l2l-tf[{EXTRAS[command]}]'. "
            "Received: an environment without it",
            file=sys.stderr,
        )
        raise SystemExit(2)


def _keras_runs():
    try:
        import keras  # noqa: F401
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "tensorflow":
            raise
        return False
    return True
