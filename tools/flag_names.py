"""Writes `l2l_tf/core/flag_names.py` anew: python -m tools.flag_names."""

import contextlib
import importlib
import io
import pathlib

from absl import flags

from l2l_tf.core.files import write_whole

COMMANDS = ("convert", "demo", "evaluate", "export", "presets", "search", "train")
FILE = pathlib.Path(__file__).resolve().parents[1] / "l2l_tf" / "core" / "flag_names.py"


def text():
    """What the file should be."""
    lines = ['"""Names of all flags of every command, by `python -m tools.flag_names`."""', ""]
    lines += ["FLAG_NAMES = {"]
    for command in COMMANDS:
        lines += [f'    "{command}": (', *(f'        "{n}",' for n in names_of(command)), "    ),"]
    return "\n".join([*lines, "}", ""])


def names_of(command):
    """Names of a command's flags, sorted; those that may be false with a "no" before them too."""
    module = importlib.import_module(f"l2l_tf.cli.{command}")
    with contextlib.redirect_stdout(io.StringIO()):
        module.run(["--help"])  # Some follow from what is registered.
    names = set(module.FLAGS)
    names |= {f"no{n}" for n in names if isinstance(module.FLAGS[n], flags.BooleanFlag)}
    return sorted(names)


if __name__ == "__main__":
    write_whole(FILE, text())
