"""Flags of a command that follow from the fields of a configured class."""

import dataclasses
import types
import typing

from absl import flags

from l2l_tf.core.config import flag_of


def define(flag_values, cls, **defaults):
    """Define a flag for each field with a help text, unless there is one of its name and meaning.

    A value is checked as the field checks it, with the same error. A flag that several classes
    share, with defaults of their own, has none.

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
        name, help_text = flag_of(field), field.metadata.get("help")
        default = defaults.get(field.name, field.default)
        if not help_text:
            continue
        if name in flag_values:
            _share(flag_values[name], cls, field, default)
            continue
        parser = _Parser(field)
        if field.type is bool:
            flags.DEFINE_bool(name, default, help_text, flag_values=flag_values)
        elif parser.several:
            flags.DEFINE_multi(
                parser,
                flags.ArgumentSerializer(),
                name,
                list(default),
                help_text,
                flag_values=flag_values,
            )
        else:
            flags.DEFINE(
                parser,
                name,
                default,
                help_text,
                flag_values=flag_values,
                serializer=flags.ArgumentSerializer(),
            )
        defined.append(name)
    return defined


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


class _Parser(flags.ArgumentParser):
    """One value of a field, out of the text of a flag."""

    def __init__(self, field):
        self.name, self.check = flag_of(field), field.metadata["check"]
        self.several = typing.get_origin(field.type) is tuple
        self.enum_values = list(field.metadata["choices"]) or None
        kinds = typing.get_args(field.type) or (field.type,)
        self.kind = next(k for k in kinds if k not in (types.NoneType, Ellipsis))

    def parse(self, argument):
        value = argument
        if isinstance(argument, str):
            try:
                value = self.kind(argument)
            except ValueError:
                pass  # The field's own check says what is wanted.
        if self.check:
            self.check(self.name, (value,) if self.several else value)
        return value

    def flag_type(self):
        return self.kind.__name__
