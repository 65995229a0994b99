"""What the commands share: flags with `--help`, errors in one line, exit codes."""

import contextlib
import importlib
import os
import pathlib
import re
import shlex
import sys
import textwrap
import warnings

from absl import flags

from l2l_tf.cli.config_flags import without_effect
from l2l_tf.core.quick_answers import asks_for_help, renamed_flag, switched_off, unknown_flag
from l2l_tf.core.unknown import nearest

PACKAGE = pathlib.Path(__file__).parents[1]
EXIT_CODES = (
    "Exit codes: 0 done; 1 done, with nothing to keep; 2 something to correct, which the last "
    "line says; 130 interrupted by Ctrl-C, 143 by a request to stop."
)


class CommandError(Exception):
    """What a user has to correct; the command prints it and exits with 2."""


def command_flags():
    """`flags.FlagValues` of a command, with the one that all have: `--import`."""
    flag_values = flags.FlagValues()
    flags.DEFINE_multi_string(
        "import",
        [],
        "Module to import first, so that the rules, tasks, estimators and baselines that it "
        "registers are known; from the working directory or installed. Repeatable.",
        flag_values=flag_values,
    )
    return flag_values


def run_command(program, description, flag_values, main, argv=None, imported=None, groups=None):
    """Import what `--import` names, parse the flags and call `main`.

    Args:
        program: Name of the command, as errors show it.
        description: Text above the flags in `--help`, or a function that returns it.
        flag_values: `flags.FlagValues` of the command.
        main: Function of the program's name and what is no flag, a list; returns the exit code.
        argv: Arguments without the program's name; default: those of the process.
        imported: Function that is called after the imports and before the flags are parsed, to
            define those that follow from what was registered.
        groups: Dict heading → names of flags, for `--help`; what is in none of them comes last.

    Returns:
        The exit code: 0, 2 after an error of the user, 130 after Ctrl-C, or what `main` returns.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        import_modules(argv)
        if imported:
            imported()
        if asks_for_help(argv):
            print(_help(program, description, flag_values, groups or {}))
            return 0
        with _warnings_in_one_line(program):
            return main(parse(program, flag_values, argv))
    except CommandError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # Who reads along, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno is None:
            raise
        # No room, no right to write, a disk that is gone: nothing of this program's.
        print(f"{program}: {in_one_line(error)}", file=sys.stderr)
        return 2


def in_one_line(error):
    """The text of an error; of one of the system or of data's files, what it says and of which."""
    if isinstance(error, OSError) and error.errno is not None:
        return f"{error.strerror}. Received: {error.filename or error}"
    if hasattr(error, "node_def"):  # TensorFlow's.
        said = error.message.rpartition("}} ")[2].partition(" [Op:")[0]
        return f"Files of a data set are damaged or gone; prepare it anew. Received: {said}"
    return str(error)


def errors_of_data():
    """Classes of TensorFlow's errors where files of a data set are damaged or gone."""
    from tensorflow import errors

    return errors.DataLossError, errors.NotFoundError


@contextlib.contextmanager
def _warnings_in_one_line(program):
    """Print this package's own warnings as errors are, without the code that they come from."""
    with_code = warnings.formatwarning

    def formatted(message, category, filename, lineno, line=None):
        if category is UserWarning and pathlib.Path(filename).is_relative_to(PACKAGE):
            return f"{program}: {message}\n"
        return with_code(message, category, filename, lineno, line)

    warnings.formatwarning = formatted
    try:
        yield
    finally:
        warnings.formatwarning = with_code


def import_modules(argv):
    """Import the modules that `--import` names, from the working directory too.

    Args:
        argv: Arguments without the program's name; other flags are passed over.

    Raises:
        CommandError: If one cannot be imported, whatever it raises.
    """
    alone = command_flags()
    alone.set_gnu_getopt()
    try:
        alone(["", *argv], known_only=True)
    except flags.Error:
        return  # `parse` says what is wrong.
    modules = alone["import"].value
    if modules and "" not in sys.path:
        sys.path.insert(0, "")  # As `python -m` has it.
    for module in modules:
        if not all(part.isidentifier() for part in module.split(".")) or module.endswith(".py"):
            name = pathlib.PurePath(module).stem
            near = f", such as --import={name}" if name.isidentifier() else ""
            raise CommandError(
                "A module is named as in Python, without a path or an ending"
                f"{near}. Received: --import={module}"
            )
        try:
            importlib.import_module(module)
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise CommandError(
                f"The module cannot be imported ({reason}). Received: --import={module}"
            ) from error


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


def command_for_card(name, flag_values):
    """The command line of `l2l_tf.cli.<name>`; no directory of this machine in it."""
    run = pathlib.Path(flag_values.output_dir).expanduser().resolve().name
    arguments = [f"--output_dir=runs/{run}", *given_flags(flag_values, ("output_dir", "resume"))]
    return shlex.join(["python", "-m", f"l2l_tf.cli.{name}", *arguments])


def run_directory(flag_values):
    """The directory that --output_dir names, for a run that goes on only with --resume.

    Nothing is made yet.

    Args:
        flag_values: `flags.FlagValues` with both flags.

    Returns:
        `pathlib.Path`.

    Raises:
        CommandError: If it is no directory, cannot be written, or is not empty and not to be gone
            on with.
    """
    output = _named_directory(flag_values)
    try:
        if output.exists() and not output.is_dir():
            raise CommandError(f"--output_dir is a directory. Received: --output_dir={output}")
        if not flag_values.resume and output.is_dir() and any(output.iterdir()):
            raise CommandError(
                "--output_dir is not empty; add --resume to go on with its run, or name "
                f"another. Received: --output_dir={output}"
            )
    except OSError as error:
        raise unusable(output, error) from error
    return output


def output_directory(flag_values):
    """`pathlib.Path` of --output_dir; nothing is made yet.

    Raises:
        CommandError: If it is not given, or a file, or cannot be written.
    """
    output = _named_directory(flag_values)
    if output.is_file():
        raise CommandError(f"--output_dir must be a directory. Received: {output}")
    return output


def _named_directory(flag_values):
    if not flag_values.output_dir:
        raise CommandError(
            f"--output_dir is needed. Received: --output_dir={flag_values.output_dir}"
        )
    output = pathlib.Path(flag_values.output_dir).expanduser()
    there = next(path for path in (output, *output.parents) if path.is_dir())
    if not os.access(there, os.W_OK | os.X_OK):
        raise unusable(output, f"{there} cannot be written")
    return output


def unusable(output, error):
    """`CommandError` for an --output_dir that cannot be read or written."""
    return CommandError(f"--output_dir cannot be used ({error}). Received: --output_dir={output}")


def parse(program, flag_values, argv):
    """Parse into `flag_values`, whatever they held before.

    Args:
        program: Name of the command.
        flag_values: `flags.FlagValues`.
        argv: Arguments without the program's name.

    Returns:
        List of the program's name and what is no flag.

    Raises:
        CommandError: If a flag is unknown, its value not allowed, or it has no effect.
    """
    for name in flag_values:
        flag_values[name].unparse()
    try:
        rest = flag_values([program, *argv])
    except flags.UnrecognizedFlagError as error:
        earlier = renamed_flag(error.flagvalue, flag_values)
        if earlier:
            raise CommandError(earlier) from error
        switches = [f"no{name}" for name in flag_values if flag_values[name].boolean]
        near = nearest(error.flagname, [*flag_values, *switches])
        raise CommandError(unknown_flag(error.flagvalue, near)) from error
    except flags.CantOpenFlagFileError as error:
        given = " ".join(a for a in argv if "flagfile" in a)
        reason = re.search(r"\[Errno \d+\] ([^:]*)", str(error))
        raise CommandError(
            f"--flagfile is a file of flags, one a line ({reason[1] if reason else error}). "
            f"Received: {given}"
        ) from error
    except (flags.Error, ValueError) as error:  # The latter of a value behind `--noname`.
        match = re.fullmatch(r"(--?no\w+=.*) does not take an argument", str(error), re.DOTALL)
        if match:
            raise CommandError(switched_off(match.group(1))) from error
        match = re.fullmatch(r"flag (--\w+=.*?): (.*)", str(error), re.DOTALL)
        if match and "Received:" in match.group(2):
            raise CommandError(match.group(2)) from error
        if match:
            raise CommandError(f"{match.group(2)}. Received: {match.group(1)}") from error
        raise CommandError(f"{error}. Received: {shlex.join(argv)}") from error
    idle = without_effect(flag_values)
    if idle:
        raise CommandError(idle)
    return rest


def listed(**names):
    """Names that a command knows, for its help: a paragraph each.

    Args:
        **names: Heading → names.
    """
    return "\n".join(
        textwrap.fill(
            f"{kind}: {', '.join(of)}.", 94, subsequent_indent="    ", break_on_hyphens=False
        )
        for kind, of in names.items()
    )


def _help(program, description, flag_values, groups):
    description = description() if callable(description) else description
    lines = [f"{program}: {description.strip()}"]
    grouped = {name for names in groups.values() for name in names}
    rest = [name for name in flag_values if name not in grouped]
    for heading, names in (groups | {"More" if groups else "Flags": rest}).items():
        if names:
            lines += ["", f"{heading}:"]
        for name in names:
            text = _about(flag_values[name])
            lines.append(f"  --{name}{f', --no{name}' if flag_values[name].boolean else ''}")
            lines += textwrap.wrap(text, 88, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return "\n".join([*lines, "", *textwrap.wrap(EXIT_CODES, 94)])


def _about(flag):
    """A flag's help, with what is allowed and the default."""
    choices = getattr(flag.parser, "enum_values", None)
    # absl adds words of its own to the help of flags that may be repeated, or have choices.
    text = re.sub(r"^<[^>]*>: |;\n    repeat this option.*", "", flag.help, flags=re.DOTALL)
    text += f" One of {', '.join(choices)}." if choices else ""
    if isinstance(flag, flags.MultiFlag) and "epeat" not in text:
        text += " Repeatable."
    if flag.default not in (None, []):
        several = isinstance(flag.default, list)
        text += f" Default: {', '.join(map(str, flag.default)) if several else flag.default}."
    return text
