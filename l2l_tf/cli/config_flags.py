"""Flags of a command that follow from the fields of a configured class."""

import dataclasses
import types
import typing

from absl import flags

from l2l_tf.core.config import flag_of


def define(flag_values, cls, **defaults):
    """Define a flag for each field with a help text, unless there is one of its name.

    A value is checked as the field checks it, with the same error.

    Args:
        flag_values: `flags.FlagValues`.
        cls: A `core.config.Configured` class.
        **defaults: Other defaults, by the fields' names.
    """
    for field in dataclasses.fields(cls):
        name, help_text = flag_of(field), field.metadata.get("help")
        if not help_text or name in flag_values:
            continue
        default, parser = defaults.get(field.name, field.default), _Parser(field)
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
