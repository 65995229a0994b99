"""A wrong flag is refused before TensorFlow is imported, which takes seconds."""

import difflib
import re
import sys

from l2l_tf.core import renamed
from l2l_tf.core.flag_names import FLAG_NAMES
from l2l_tf.core.flag_values import refuse
from l2l_tf.core.notices import command_of

# Those that the parser of flags itself knows, or that say what else is a flag.
_LEFT_TO_THE_PARSER = {"help", "h", "helpfull", "helpshort", "helpxml", "flagfile", "undefok"}


def refuse_wrong_flags(arguments: list[str], original_arguments: list[str]) -> None:
    """End the process as its command would, where it is one and a flag or its value is none.

    Where `--import` may define more, and for earlier names, the command itself says what is wrong.

    Args:
        arguments: `sys.argv`; while `python -m` looks for its module, the first one is "-m".
        original_arguments: `sys.orig_argv`.
    """
    command = command_of(arguments, original_arguments)
    given = list(_given(arguments[1:]))
    names = {name for _, name, _ in given}
    if command not in FLAG_NAMES or {"import", *_LEFT_TO_THE_PARSER} & names:
        return
    for argument, name, text in given:
        wrong = _wrong(FLAG_NAMES[command], argument, name, text)
        if wrong:
            print(f"l2l-{command}: {wrong}", file=sys.stderr)
            raise SystemExit(2)


def _given(arguments):
    """Of each flag the argument, its name and the text that it is set to, None without one."""
    for argument, after in zip(arguments, [*arguments[1:], None], strict=False):
        if argument == "--":
            return
        if re.match(r"--?[a-zA-Z]", argument):
            name, equals, text = argument.lstrip("-").partition("=")
            yield argument, name, text if equals else after


def _wrong(known, argument, name, text):
    """What is said of a flag; None if nothing is wrong with it."""
    if name not in known:
        if name.removeprefix("no") in renamed.FLAGS:
            return None
        near = [*difflib.get_close_matches(name, known, 1, 0.7), None]
        return unknown_flag(argument, near[0])
    check = known[name]
    alone = "=" not in argument and check and check[0] == "boolean"
    if check is None or text is None or alone:
        return None
    try:
        refuse(name, text, check)
    except ValueError as error:
        return str(error)


def unknown_flag(argument: str, near: str | None) -> str:
    """What is said of a flag that a command lacks.

    Args:
        argument: As it was given.
        near: Name of a flag that may have been meant, or None.
    """
    advice = f"; did you mean --{near}?" if near else "; --help lists them."
    return f"Unknown flag{advice} Received: {argument}"
