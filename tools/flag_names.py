"""Writes `l2l_tf/core/flag_names.py` and `help_texts.py` anew: python -m tools.flag_names."""

import contextlib
import importlib
import io
import pathlib

from absl import flags

from l2l_tf.core.files import write_whole
from l2l_tf.core.flag_values import described

COMMANDS = ("convert", "demo", "evaluate", "export", "presets", "search", "train")
CORE = pathlib.Path(__file__).resolve().parents[1] / "l2l_tf" / "core"
FILE, HELP_FILE = CORE / "flag_names.py", CORE / "help_texts.py"
HEAD = '''"""All flags of every command, with the checks of their values that need no TensorFlow.

Written by `python -m tools.flag_names`. A check is as `core.flag_values` describes it.
"""

FLAG_NAMES = {'''

HELP_HEAD = '"""What each command says with --help. Written by `python -m tools.flag_names`."""'


def text():
    """What the file of names should be."""
    lines = HEAD.splitlines()
    for command in COMMANDS:
        lines.append(f'    "{command}": {{')
        lines += [f'        "{name}": {_spelled(c)},' for name, c in checks_of(command).items()]
        lines.append("    },")
    return "\n".join([*lines, "}", ""])


def checks_of(command):
    """Dict name → check of a command's flags; what may be false, with a "no" before it too."""
    module = importlib.import_module(f"l2l_tf.cli.{command}")
    help_of(command)  # Some follow from what is registered.
    checks = {}
    for name in module.FLAGS:
        flag = module.FLAGS[name]
        checks[name] = described(getattr(flag.parser, "check", None))
        if isinstance(flag, flags.BooleanFlag):
            checks[f"no{name}"] = None
    return dict(sorted(checks.items()))


def help_of(command):
    """What a command says with `--help`."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        importlib.import_module(f"l2l_tf.cli.{command}").run(["--help"])
    return said.getvalue()


def help_text():
    """What the file of helps should be."""
    lines = [HELP_HEAD, "", "HELP_TEXTS = {"]
    for command in COMMANDS:
        lines.append(f'    "{command}": r"""\n{help_of(command)}""",')
    return "\n".join([*lines, "}", ""])


def _spelled(check):
    return repr(check).replace("'", '"')


if __name__ == "__main__":
    write_whole(FILE, text())
    write_whole(HELP_FILE, help_text())
