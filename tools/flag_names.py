"""Writes `l2l_tf/core/flag_names.py` anew: python -m tools.flag_names."""

import contextlib
import importlib
import io
import pathlib

from absl import flags

from l2l_tf.core.files import write_whole
from l2l_tf.core.flag_values import described

COMMANDS = ("convert", "demo", "evaluate", "export", "presets", "search", "train")
FILE = pathlib.Path(__file__).resolve().parents[1] / "l2l_tf" / "core" / "flag_names.py"
HEAD = '''"""All flags of every command, with the checks of their values that need no TensorFlow.

Written by `python -m tools.flag_names`. A check is as `core.flag_values` describes it.
"""

FLAG_NAMES = {'''


def text():
    """What the file should be."""
    lines = HEAD.splitlines()
    for command in COMMANDS:
        lines.append(f'    "{command}": {{')
        lines += [f'        "{name}": {_spelled(c)},' for name, c in checks_of(command).items()]
        lines.append("    },")
    return "\n".join([*lines, "}", ""])


def checks_of(command):
    """Dict name → check of a command's flags; what may be false, with a "no" before it too."""
    module = importlib.import_module(f"l2l_tf.cli.{command}")
    with contextlib.redirect_stdout(io.StringIO()):
        module.run(["--help"])  # Some follow from what is registered.
    checks = {}
    for name in module.FLAGS:
        flag = module.FLAGS[name]
        checks[name] = described(getattr(flag.parser, "check", None))
        if isinstance(flag, flags.BooleanFlag):
            checks[f"no{name}"] = None
    return dict(sorted(checks.items()))


def _spelled(check):
    return repr(check).replace("'", '"')


if __name__ == "__main__":
    write_whole(FILE, text())
