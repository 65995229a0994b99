"""Flags that fields describe: those of a configured class, or of a command alone.

A value is checked as its field checks it, with the same error.
"""

import dataclasses
import types
import typing

from absl import flags

from l2l_tf.core.config import flag_of, type_of
from l2l_tf.core.flag_values import CHECKS, described, value_of


def define(flag_values, cls, **defaults):
    """Define a flag for each field with a help text, unless there is one of its name and meaning.

    A flag that several classes share, with defaults of their own, has none.

    Args:
        flag_values: `flags.FlagValues`.
        cls: A `core.config.Configured` class.
        **defaults: Other defaults, by the fields' names.

    Returns:
        Names of the flags that were defined.

    Raises:
        ValueError: If there is a flag of a field's name that means something else.
    """
    defined = []
    for field in dataclasses.fields(cls):
        name = flag_of(field)
        default = defaults.get(field.name, field.default)
        if not field.metadata.get("help"):
            continue
        if name in flag_values:
            _share(flag_values[name], cls, field, default)
            continue
        _define(flag_values, name, field, default, cls)
        defined.append(name)
    return defined


def define_flags(flag_values, **fields):
    """Define flags of a command's own, each by a field of its name, such as `integer(8, min=1)`."""
    for name, field in fields.items():
        _define(flag_values, name, field, field.default)


def _define(flag_values, name, field, default, cls=None):
    parser, help_text = Parser(name, field, cls), field.metadata["help"]
    if parser.kind is bool:
        flag = flags.BooleanFlag(name, default, help_text)
        flag.parser = parser
        flags.DEFINE_flag(flag, flag_values)
        effective(flag_values, [name], field.metadata["when"])
        return
    several = field.metadata.get("several")
    kind = flags.MultiFlag if several else flags.Flag
    default = list(default) if several else default
    flags.DEFINE_flag(
        kind(parser, flags.ArgumentSerializer(), name, default, help_text), flag_values
    )
    effective(flag_values, [name], field.metadata["when"])


def effective(flag_values, names, when):
    """Say at which values of other flags these have an effect; `parse` refuses them elsewhere.

    Args:
        flag_values: `flags.FlagValues`.
        names: Names of the flags.
        when: Dict name of another flag → function of its value, which says whether; or None.
    """
    for name in names if when else ():
        flag = flag_values[name]
        flag.when = {**getattr(flag, "when", {}), **when}


def without_effect(flag_values):
    """The error for the first given flag that has no effect; None if all have one."""
    for name in flag_values:
        flag = flag_values[name]
        for other, applies in getattr(flag, "when", {}).items() if flag.present else ():
            if not applies(flag_values[other].value):
                beside = _spelled(flag_values[other])
                return f"--{name} has no effect {beside}. Received: {_given(flag)}"
    return None


def _spelled(flag):
    return (
        f"with {_given(flag)}" if flag.value not in (None, False, []) else f"without --{flag.name}"
    )


def _given(flag):
    """A flag as it is written."""
    if flag.boolean:
        return f"--{flag.name}" if flag.value else f"--no{flag.name}"
    values = flag.value if isinstance(flag, flags.MultiFlag) else [flag.value]
    texts = (",".join(map(str, v)) if isinstance(v, list) else v for v in values)
    return " ".join(f"--{flag.name}={text}" for text in texts)


def _share(flag, cls, field, default):
    """Let a flag that is there stand for one more field."""
    if flag.help != field.metadata["help"]:
        raise ValueError(
            f"--{flag.name} is another flag; the field needs a name of its own, or "
            f"`flag=`. Received: field {field.name!r} of {cls.__name__}"
        )
    several = isinstance(default, tuple)
    if flag.default != (list(default) if several else default):
        flag.unparse()
        flag.default = flag.value = None


class Parser(flags.ArgumentParser):
    """One value of a field, out of the text of a flag.

    Attributes:
        check: Function `(name, value)` that raises ValueError unless the value is allowed; None.
        kind: Type of the value.
    """

    def __init__(self, name, field, cls=None):
        self.name, self.check, self.kind = name, field.metadata["each"], _kind(field, cls)
        self.enum_values = list(field.metadata["choices"]) or None

    def parse(self, argument):
        value = value_of(argument, self.kind) if isinstance(argument, str) else argument
        if self.check:
            self.check(self.name, value)
        return self.kind(value)

    def flag_type(self):
        return self.kind.__name__


def _kind(field, cls):
    """Type of the values that a field's flag has, by its check or, without a known one, its own."""
    known = described(field.metadata["each"])
    if known:
        return CHECKS[known[0]][1]
    if cls is None:
        return str
    hint = type_of(cls, field.name)
    kinds = typing.get_args(hint) or (hint,)
    return next(k for k in kinds if k not in (types.NoneType, Ellipsis))
