"""Names of presets: the shipped ones, and those that users register."""

import os
import pathlib
import re

from l2l_tf import rules
from l2l_tf.core.unknown import unknown
from l2l_tf.presets import storage

# The preset of `LearnedOptimizer()`, and the one that stands for each rule's name.
DEFAULT = "spectral-general"
FOR_RULE = {
    "centred": "lstm-cifar10",
    "gac_lstm": "gac-lstm-mnist",
    "lstm": "lstm-digits",
    "mixture": "mixture-general",
    "ntm_bfgs": "ntm-bfgs-quadratic",
    "ntm_lbfgs": "ntm-lbfgs-quadratic",
    "rnnprop": "rnnprop-general",
    "spectral": "spectral-general",
}

SHIPPED = pathlib.Path(__file__).parent
_REGISTERED = {}


def register_preset(name: str, directory: str | os.PathLike) -> None:
    """Make a preset directory known under a name.

    Args:
        name: A name without slashes and brackets that is no rule's.
        directory: The preset directory; it is read when it is used.

    Raises:
        ValueError: If the name is taken or not allowed.
    """
    if not name or re.search("[/(:]", name) or name in (*list_presets(), *rules.names()):
        raise ValueError(f"A preset needs a name of its own. Received: name={name!r}")
    _REGISTERED[name] = pathlib.Path(directory).expanduser()


def list_presets() -> list[str]:
    """Sorted names of the shipped and registered presets."""
    shipped = [p.parent.name for p in SHIPPED.glob(f"*/{storage.METADATA}")]
    return sorted({*shipped, *_REGISTERED})


def default_preset() -> str:
    """Name of the preset that `LearnedOptimizer()` uses."""
    return DEFAULT


def preset_for_rule(rule_name: str) -> str:
    """Name of the shipped preset that stands for a rule's name.

    Raises:
        ValueError: If no weights are shipped for that rule.
    """
    name = FOR_RULE.get(rule_name)
    if name is None or name not in list_presets():
        raise ValueError(
            f"No preset with weights is shipped for this rule; presets are {list_presets()}, "
            f"and l2l-train makes one. Received: rule={rule_name!r}"
        )
    return name


def is_preset(directory: str | os.PathLike) -> bool:
    """Whether a directory is that of a preset."""
    return (pathlib.Path(directory).expanduser() / storage.METADATA).is_file()


def preset_directory(name_or_directory: str | os.PathLike) -> pathlib.Path:
    """Directory of a preset; a known name counts before a directory of that name.

    Raises:
        ValueError: If a word is neither a known name nor a preset in the working directory.
        FileNotFoundError: If there is no directory at a path.
    """
    text = str(name_or_directory)
    if text in _REGISTERED:
        return _REGISTERED[text]
    if text in list_presets():
        return SHIPPED / text
    path = pathlib.Path(name_or_directory).expanduser()
    # A word alone may be a typo of a name, whatever else the working directory has.
    is_word = isinstance(name_or_directory, str) and "/" not in text and len(path.parts) < 2
    if is_preset(path) if is_word else path.is_dir():
        return path
    if not is_word:
        raise FileNotFoundError(f"There is no preset directory. Received: preset={text!r}")
    more = ", and a path to a preset directory is taken too"
    raise ValueError(unknown("preset", text, list_presets(), more=more))
