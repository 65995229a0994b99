"""A wrong flag is refused before TensorFlow is imported, which takes seconds."""

import difflib
import re
import sys

from l2l_tf.core import renamed
from l2l_tf.core.flag_names import FLAG_NAMES
from l2l_tf.core.notices import command_of

# Those that the parser of flags itself knows, or that say what else is a flag.
_LEFT_TO_THE_PARSER = {"help", "h", "helpfull", "helpshort", "helpxml", "flagfile", "undefok"}


def refuse_unknown_flags(arguments: list[str], original_arguments: list[str]) -> None:
    """End the process as its command would, where it is one and a flag has a name it lacks.

    Where `--import` may define more, and for earlier names, the command itself says what is wrong.

    Args:
        arguments: `sys.argv`; while `python -m` looks for its module, the first one is "-m".
        original_arguments: `sys.orig_argv`.
    """
    command = command_of(arguments, original_arguments)
    given = [a for a in arguments[1:] if re.match(r"--?[a-zA-Z]", a)]
    names = [re.sub("^--?|=.*", "", a, flags=re.DOTALL) for a in given]
    if command not in FLAG_NAMES or {"import", *_LEFT_TO_THE_PARSER} & set(names):
        return
    known = FLAG_NAMES[command]
    for argument, name in zip(given, names, strict=True):
        if name in known or name.removeprefix("no") in renamed.FLAGS:
            continue
        near = [*difflib.get_close_matches(name, known, 1, 0.7), None]
        print(f"l2l-{command}: {unknown_flag(argument, near[0])}", file=sys.stderr)
        raise SystemExit(2)


def unknown_flag(argument: str, near: str | None) -> str:
    """What is said of a flag that a command lacks.

    Args:
        argument: As it was given.
        near: Name of a flag that may have been meant, or None.
    """
    advice = f"; did you mean --{near}?" if near else "; --help lists them."
    return f"Unknown flag{advice} Received: {argument}"
