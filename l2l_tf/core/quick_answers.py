"""What a command answers before TensorFlow is imported, which takes seconds."""

import os
import re
import sys
from collections.abc import Container

from l2l_tf.core import renamed
from l2l_tf.core.flag_names import FLAG_NAMES
from l2l_tf.core.flag_values import refuse
from l2l_tf.core.unknown import nearest

# All say what a command is for and list its flags.
HELP = frozenset({"help", "h", "helpfull", "helpshort"})
# Those that the parser of flags itself knows, which say what else is a flag.
_LEFT_TO_THE_PARSER = {"flagfile", "undefok"}


def answer_at_once(command: str, arguments: list[str]) -> None:
    """End the process as its command would, where help is asked for or a flag is wrong.

    With `--import`, which may define more flags, nothing is done: there the command itself answers.

    Args:
        command: Such as "train".
        arguments: What it was given.
    """
    given = list(_given(arguments))
    names = {name for _, name, _ in given}
    if "import" in names:
        return
    if asks_for_help(arguments):
        from l2l_tf.core.help_texts import HELP_TEXTS

        try:
            print(HELP_TEXTS[command].lstrip(), end="", flush=True)
        except BrokenPipeError:  # Who reads along, such as `head`, has seen enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0)
    if _LEFT_TO_THE_PARSER & names:
        return
    for argument, name, text in given:
        wrong = _wrong(FLAG_NAMES[command], argument, name, text)
        if wrong:
            print(f"l2l-{command}: {wrong}", file=sys.stderr)
            raise SystemExit(2)


def asks_for_help(arguments: list[str]) -> bool:
    """Whether `--help`, or another flag of that meaning, is among a command's arguments."""
    return any(name in HELP for _, name, _ in _given(arguments))


def _given(arguments):
    """Of each flag the argument, its name and the text that it is set to, None without one."""
    for argument, after in zip(arguments, [*arguments[1:], None], strict=False):
        if argument == "--":
            return
        if re.match(r"--?[a-zA-Z]", argument):
            name, equals, text = argument.lstrip("-").partition("=")
            yield argument, name, text if equals else after


def _wrong(known, argument, name, text):
    """The error for a flag; None if nothing is wrong with it."""
    if name not in known:
        return renamed_flag(argument, known) or unknown_flag(argument, nearest(name, known))
    if "=" in argument and name.startswith("no") and name[2:] in known:
        return switched_off(argument)
    check = known[name]
    alone = "=" not in argument and check and check[0] == "boolean"
    if check is None or text is None or alone:
        return None
    try:
        refuse(name, text, check)
    except ValueError as error:
        return str(error)


def switched_off(argument: str) -> str:
    """The error for `--noname=value`: a switch that is off takes no value.

    Args:
        argument: As it was given.
    """
    name = argument.lstrip("-").partition("=")[0]
    return f"--{name} takes no value; --{name[2:]} takes true or false. Received: {argument}"


def renamed_flag(argument: str, known: Container[str]) -> str | None:
    """The error for a flag by an earlier name; None if it is none.

    Args:
        argument: As it was given.
        known: Names of the flags that the command has.
    """
    name = argument.lstrip("-").partition("=")[0]
    now = renamed.FLAGS.get(name.removeprefix("no"))
    return f"--{name} is --{now} now. Received: {argument}" if now in known else None


def unknown_flag(argument: str, near: str | None) -> str:
    """The error for a flag that a command does not have.

    Args:
        argument: As it was given.
        near: Name of a flag that may have been meant, or None.
    """
    advice = f"; did you mean --{near}?" if near else "; --help lists them."
    return f"Unknown flag{advice} Received: {argument}"
