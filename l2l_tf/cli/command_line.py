"""What the commands share: flags with `--help`, errors in one line, exit codes."""

import re
import shlex
import sys
import textwrap

from absl import flags


class CommandError(Exception):
    """What a user has to correct; the command prints it and exits with 2."""


def run_command(program, description, flag_values, main, argv=None):
    """Parse the flags and call `main`.

    Args:
        program: Name of the command, as errors show it.
        description: Text above the flags in `--help`.
        flag_values: `flags.FlagValues` of the command.
        main: Function of the program's name and what is no flag, a list; returns the exit code.
        argv: Arguments without the program's name; default: those of the process.

    Returns:
        The exit code: 0, 2 after an error of the user, 130 after Ctrl-C, or what `main` returns.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    if any(a in ("--help", "-help", "-h") for a in argv):
        print(_help(program, description, flag_values))
        return 0
    try:
        return main(_parse(program, flag_values, argv))
    except CommandError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 130


def refuse_arguments(argv):
    """Raise `CommandError` if there is anything beside flags."""
    if len(argv) > 1:
        raise CommandError(f"Every argument is a flag. Received: {shlex.join(argv[1:])}")


def given_flags(flag_values, without=()):
    """The flags that were given, as a list of arguments that gives them again."""
    arguments = []
    for name in flag_values:
        if flag_values[name].present and name not in without:
            arguments += flag_values[name].serialize().splitlines()
    return arguments


def _parse(program, flag_values, argv):
    for name in flag_values:
        flag_values[name].unparse()
    try:
        return flag_values([program, *argv])
    except flags.UnrecognizedFlagError as error:
        advice = re.search(r"Did you mean: (.*?) \?", str(error))
        advice = f"; did you mean --{advice.group(1)}?" if advice else "; --help lists them."
        raise CommandError(f"Unknown flag{advice} Received: {error.flagvalue}") from error
    except flags.Error as error:
        match = re.fullmatch(r"flag (--\w+=.*?): (.*)", str(error), re.DOTALL)
        if match:
            raise CommandError(f"{match.group(2)}. Received: {match.group(1)}") from error
        raise CommandError(f"{error}. Received: {shlex.join(argv)}") from error


def _help(program, description, flag_values):
    lines = [f"{program}: {description.strip()}", "", "Flags:"]
    for name in flag_values:
        flag = flag_values[name]
        choices = getattr(flag.parser, "enum_values", None)
        text = f"{flag.help} One of {', '.join(choices)}." if choices else flag.help
        if flag.default is not None:
            several = isinstance(flag.default, list)
            text += f" Default: {', '.join(map(str, flag.default)) if several else flag.default}."
        lines.append(f"  --{name}")
        lines += textwrap.wrap(text, 88, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return "\n".join(lines)
