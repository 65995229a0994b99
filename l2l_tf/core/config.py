"""Objects that their arguments describe: frozen dataclasses whose fields check themselves.

    class Momentum(Configured):
        learning_rate: float = number(0.01)
        momentum: float = number(0.9, min=0, below=1)
        nesterov: bool = boolean(False)

From the fields follow the constructor, its checks, `get_config`, `repr`, and the flags of a
command (`cli.config_flags`).
"""

import copy
import dataclasses
import functools
import inspect
import math
import operator
import sys
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Self, dataclass_transform

from l2l_tf.core.checks import (
    check_boolean,
    check_choice,
    check_instance,
    check_integer,
    check_number,
)
from l2l_tf.core.unknown import unknown_argument

Check = Callable[[str, Any], object]


def setting(
    default: Any = dataclasses.MISSING,
    check: Check | None = None,
    convert: Callable[[str, Any], Any] | None = None,
    help: str = "",
    flag: str | None = None,
    choices: Sequence[str] = (),
    when: dict[str, Callable[[Any], bool]] | None = None,
) -> Any:
    """A field of a `Configured` class.

    Args:
        default: Its default; none if it is left out.
        check: Function `(name, value)` that raises ValueError unless the value is allowed.
        convert: Function `(name, value)` of what is given, which returns what is kept.
        help: What the field means, in a sentence, where a flag is made of it.
        flag: Name of its flag, if that is not the field's own.
        choices: The names that are allowed, for a flag's help.
        when: Dict flag → function that says of its value whether this field's flag has an effect.
    """
    metadata = {
        "check": check,
        "each": check,  # Of a flag's value: the same, but where a field may be None or has several.
        "convert": convert,
        "help": help,
        "flag": flag,
        "choices": choices,
        "when": when,
    }
    return dataclasses.field(default=default, metadata=metadata)


def integer(default: Any, min: int = 0, max: float = math.inf, **about: Any) -> Any:
    """A field that is an integer in [`min`, `max`]; `about`: see `setting`."""
    return setting(default, functools.partial(check_integer, min=min, max=max), **about)


def number(
    default: Any,
    min: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    max: float = math.inf,
    **about: Any,
) -> Any:
    """A field that is a finite number, as `check_number` has it; `about`: see `setting`."""
    check = functools.partial(check_number, min=min, above=above, below=below, max=max)
    return setting(default, check, **about)


def choice(default: Any, known: Collection[str], **about: Any) -> Any:
    """A field that is one of the names that are known; `about`: see `setting`."""
    check = functools.partial(check_choice, known=known)
    return setting(default, check, choices=tuple(known), **about)


def boolean(default: Any, **about: Any) -> Any:
    """A field that is True or False; `about`: see `setting`."""
    return setting(default, check_boolean, **about)


def instance(of: type, default: Any = dataclasses.MISSING, **about: Any) -> Any:
    """A field that is an object of a class; `about`: see `setting`."""
    return setting(default, functools.partial(check_instance, kind=of), **about)


def among(*values: Any) -> Callable[[Any], bool]:
    """For `when`: whether a flag's value is one of these."""
    return functools.partial(operator.contains, values)


def other_than(value: Any) -> Callable[[Any], bool]:
    """For `when`: whether a flag's value is another one."""
    return functools.partial(operator.ne, value)


def optional(field: Any) -> Any:
    """The same field, which may also be None."""
    check = field.metadata["check"]

    def unless_none(name, value):
        if value is not None:
            check(name, value)

    return _changed(field, metadata={**field.metadata, "check": unless_none})


def several(default: Any, of: Any) -> Any:
    """A field of one value or more, kept as a tuple; `of` is the field of each.

    Args:
        default: Tuple.
        of: The field of a single value.
    """
    each = of.metadata["check"]

    def convert(_, values):
        return tuple(values) if isinstance(values, list | tuple) else (values,)

    def check(name, values):
        if not values:
            raise ValueError(f"`{name}` has one value or more. Received: {name}={values!r}")
        for value in values if each else ():
            each(name, value)

    metadata = {**of.metadata, "check": check, "convert": convert, "several": True}
    return dataclasses.field(default=default, metadata=metadata)


# Without `field_specifiers`: to a type checker whatever stands behind the `=` of a field is its
# default, of any type. A specifier's first argument would not be, unless it were passed by name.
@dataclass_transform(frozen_default=True)
class Configured:
    """Base class of objects that their arguments describe.

    A subclass is made a frozen dataclass. Class arguments give inherited fields other defaults:
    `class FashionMLP(InMemoryMLP, hidden=32)`. What is no argument is changed by `copied`. A
    subclass with an `__init__` of its own is left as it is; it stores its arguments under their
    names.

    Attributes:
        earlier_arguments: Dict earlier name of an argument → what it is called now.
    """

    earlier_arguments: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, kw_only=False, **defaults):
        super().__init_subclass__()
        if "__init__" in vars(cls):
            return
        inherited = getattr(cls, "__dataclass_fields__", {})
        own = _annotations(cls)
        cls.__annotations__ = {name: inherited[name].type for name in defaults} | own
        for name, default in defaults.items():
            setattr(cls, name, _changed(inherited[name], default=default))
        dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=kw_only)(cls)

    def __new__(cls, *arguments, **named):
        """The object, whose arguments `__init__` sets; unknown ones are an `UnknownArgument`."""
        known = inspect.signature(cls.__init__).parameters if named else {}
        free = any(p.kind is p.VAR_KEYWORD for p in known.values())
        for name in () if free else named.keys() - known.keys():
            owner = repr(getattr(cls, "registered_name", cls.__name__))
            names = [n for n in known if n != "self"]
            raise unknown_argument(owner, name, named[name], names, cls.earlier_arguments)
        return super().__new__(cls)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.metadata.get("convert"):
                value = vars(self)[field.name] = field.metadata["convert"](field.name, value)
            if field.metadata.get("check"):
                field.metadata["check"](field.name, value)

    def copied(self, **attributes) -> Self:
        """A shallow copy with other attributes, arguments or not, which are not checked."""
        made = copy.copy(self)
        vars(made).update(attributes)
        return made

    def replaced(self, **arguments) -> Self:
        """The same with other arguments, which are checked.

        Raises:
            ValueError: If there is no such argument, or it is not allowed.
        """
        known = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return type(self)(**{**known, **arguments})

    @classmethod
    def given(cls, name: str, value: Self | None, /, **arguments) -> Self:
        """What an argument of that name says: an object of this class, or None for the defaults.

        Args:
            name: The argument's name, for the error.
            value: What was received.
            **arguments: Arguments that are other than in it, which are checked.

        Raises:
            ValueError: If it is neither, or an argument is not allowed.
        """
        if value is not None:
            check_instance(name, value, cls)
        return (cls() if value is None else value).replaced(**arguments)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, a dict."""
        names = inspect.signature(type(self).__init__).parameters
        return {name: getattr(self, name) for name in names if name != "self"}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An object with these constructor arguments."""
        return cls(**config)

    def __repr__(self):
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def type_of(cls: type, name: str) -> Any:
    """Type of a field, also where `from __future__ import annotations` left a text of it.

    Args:
        cls: A `Configured` class.
        name: The field's name.
    """
    # A class that gives an inherited field another default repeats its type, perhaps as a text.
    *_, owner = (c for c in cls.__mro__ if name in _annotations(c))
    alone = type(owner.__name__, (), {"__annotations__": {name: _annotations(owner)[name]}})
    module = vars(sys.modules.get(owner.__module__, typing))
    return typing.get_type_hints(alone, module, dict(vars(owner)))[name]


def flag_of(field: dataclasses.Field) -> str:
    """Name of the flag that sets a field."""
    return field.metadata.get("flag") or field.name


def from_flags(cls: type, flags: Any, **arguments) -> Any:
    """An object of a `Configured` class as flags say.

    Args:
        cls: The class.
        flags: Object with an attribute for every flag of the class; None leaves its field the
            default.
        **arguments: Arguments that have no flag.
    """
    for field in dataclasses.fields(cls):
        given = getattr(flags, flag_of(field), None)
        if field.name not in arguments and given is not None:
            arguments[field.name] = given
    return cls(**arguments)


def given_fields(cls: type, flag_values: Any) -> dict[str, Any]:
    """What those flags of a `Configured` class say that were given; dict field → value.

    Args:
        cls: The class.
        flag_values: Mapping name → flag, with `present` and `value`.
    """
    names = {field.name: flag_of(field) for field in dataclasses.fields(cls)}
    given = {field: flag_values[name] for field, name in names.items() if name in flag_values}
    return {field: flag.value for field, flag in given.items() if flag.present}


def _annotations(cls):
    """A class's own annotations, as they are written."""
    if sys.version_info >= (3, 14):  # They are evaluated when they are asked for.
        import annotationlib

        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    return inspect.get_annotations(cls)


def _changed(field, **changes) -> Any:
    parts = {"default": field.default, "metadata": field.metadata, "kw_only": field.kw_only}
    return dataclasses.field(**{**parts, **changes})
