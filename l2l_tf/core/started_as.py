"""Which command this process was started as, if any."""

import pathlib
import re

from l2l_tf.core.flag_names import FLAG_NAMES

PACKAGE = "l2l_tf.cli."
# What launchers of console scripts are called on some systems.
_LAUNCHER = re.compile(r"(?:-script\.pyw?|\.exe)$", re.IGNORECASE)
# The interpreter's `-m`, perhaps after other letters or with the module's name behind it.
_MODULE = re.compile(r"-[bBdEhiIOPqsSuvVx]*m(.*)")


def command_of(arguments: list[str], original_arguments: list[str]) -> str | None:
    """The command that the process was started as, such as "train", or None.

    A user's own program is no command, whatever it is called: `l2l-train.py` is no console script.

    Args:
        arguments: `sys.argv`; while `python -m` looks for its module, the first one is "-m".
        original_arguments: `sys.orig_argv`.
    """
    program = arguments[0] if arguments else ""
    if program == "-m":
        module = _module(original_arguments)
        name = module.removeprefix(PACKAGE) if module.startswith(PACKAGE) else ""
    else:
        file = _LAUNCHER.sub("", pathlib.PurePath(program).name)
        name = file.removeprefix("l2l-") if file.startswith("l2l-") else ""
    return name if name in FLAG_NAMES else None


def _module(original_arguments):
    """The module that `python -m` was given, or an empty text."""
    for argument, after in zip(original_arguments[1:], [*original_arguments[2:], ""], strict=True):
        match = _MODULE.fullmatch(argument)
        if match:
            return match.group(1) or after
    return ""
