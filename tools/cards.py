"""Cards of shipped presets under the names of today, after something was renamed.

python -m tools.cards

Commands (`- Command: …`) and rules (`- Rule: …`) are written anew by `core/renamed.py`; their
values, weights and configurations stay, and `metadata.json` gets the card's new checksum.
"""

import ast
import hashlib
import json
import re
import shlex

from l2l_tf import presets
from l2l_tf.core import renamed
from l2l_tf.core.files import write_whole
from l2l_tf.core.spec import parse_spec
from l2l_tf.presets import storage
from l2l_tf.presets.registry import SHIPPED

# Flags whose value is a rule, or a preset.
RULE_FLAGS = ("rule", "start_from", "teacher", "partner")
_COMMAND = re.compile(r"^(- Command: `)(.*)(`)$", re.MULTILINE)
_RULE = re.compile(r"^(- Rule: `)(.*)(`)$", re.MULTILINE)


def renewed(card):
    """The text of a card with its commands and rules under the names of today."""
    card = _COMMAND.sub(lambda m: m[1] + renewed_command(m[2]) + m[3], card)
    return _RULE.sub(lambda m: m[1] + renewed_rule(m[2]) + m[3], card)


def renewed_command(command):
    """A command line with the flags, rules and arguments of today."""
    return shlex.join(_argument(argument) for argument in shlex.split(command))


def _argument(argument):
    match = re.fullmatch(r"--(no)?([a-z_]+)(?:=(.*))?", argument, re.DOTALL)
    if not match:
        return argument
    negated, name, value = match.groups()
    # `no` may be how a flag's own name begins.
    whole = (negated or "") + name
    name = renamed.FLAGS.get(whole) or (negated or "") + renamed.FLAGS.get(name, name)
    if value is None:
        return f"--{name}"
    return f"--{name}={_spec(value) if name in RULE_FLAGS else value}"


def _spec(text):
    """`name(argument=value,…)` with the names of today; other texts as they are."""
    try:
        name, arguments = parse_spec(text, "rule")
    except ValueError:
        return text
    now, known = renamed.RULES.get(name, name), renamed.ARGUMENTS
    changed = {
        known.get(now, {}).get(key, key): renamed.RULES.get(value, value)
        if isinstance(value, str)
        else value
        for key, value in arguments.items()
    }
    if (now, changed) == (name, arguments):
        return text
    inside = ",".join(f"{key}={value}" for key, value in changed.items())
    return f"{now}({inside})" if inside else now


def renewed_rule(text):
    """A rule as `repr` shows it, `Class(argument=value, …)`, likewise."""
    call = ast.parse(text, mode="eval").body
    config = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
    was = {_class(old): _class(now) for old, now in renamed.RULES.items()}
    name = was.get(call.func.id, call.func.id)
    rule = next((r for r in renamed.ARGUMENTS if _class(r) == name), name)
    config = renamed.upgraded_rule({"name": rule, "config": config})["config"]
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in config.items())})"


def _class(name):
    return "".join(part.capitalize() for part in name.split("_"))


def renew(directory):
    """Write the card of a preset directory anew, with its checksum; whether it had to be.

    Args:
        directory: `pathlib.Path`.

    Raises:
        ValueError: If a file of the preset is not the one that was saved.
    """
    card = storage.read_card(directory)
    if (text := renewed(card)) == card:
        return False
    write_card(directory, text)
    return True


def write_card(directory, text):
    """Write a card's text and its checksum; whatever else the preset holds stays.

    Args:
        directory: `pathlib.Path`.
        text: Markdown.

    Raises:
        ValueError: If a file of the preset is not the one that was saved.
    """
    metadata = json.loads((directory / storage.METADATA).read_text("utf-8"))
    metadata["sha256"][storage.CARD] = hashlib.sha256(text.encode()).hexdigest()
    write_whole(directory / storage.CARD, text.encode())
    content = json.dumps(metadata, indent=2, sort_keys=True) + "\n"
    write_whole(directory / storage.METADATA, content.encode())
    presets.load_preset(directory)


if __name__ == "__main__":
    for path in sorted(SHIPPED.glob(f"*/{storage.METADATA}")):
        print(f"{path.parent.name}: {'written anew' if renew(path.parent) else 'as it was'}")
