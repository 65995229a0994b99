"""Names of classes, for presets and flags."""

from collections.abc import Callable
from typing import Any, TypeVar

from l2l_tf.core.spec import parse_spec
from l2l_tf.core.unknown import UnknownArgument, unknown

_Class = TypeVar("_Class", bound=type)


class Registry:
    """Classes by name.

    Args:
        kind: What the classes are, for errors: "rule" or "task".
        renamed: Dict earlier name → name, for an error that helps.
        arguments: Dict name → dict earlier name of an argument → its name, likewise.
    """

    def __init__(
        self,
        kind: str,
        renamed: dict[str, str] | None = None,
        arguments: dict[str, dict[str, str]] | None = None,
    ):
        self.kind = kind
        self.renamed, self.arguments = renamed or {}, arguments or {}
        self.classes: dict[str, Any] = {}

    def register(self, name: str) -> Callable[[_Class], _Class]:
        """Class decorator: makes a class known under `name`.

        Args:
            name: Lower-case identifier.

        Raises:
            ValueError: If it is no name, or another class has it.
        """

        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(
                f"A {self.kind} is registered under a name, a text such as 'mine'. "
                f"Received: name={name!r}"
            )

        def decorate(cls):
            known = self.classes.get(name)
            if known is not None and known.__qualname__ != cls.__qualname__:
                raise ValueError(
                    f"A {self.kind} named {name!r} is registered already: {known.__qualname__}. "
                    f"Received: {cls.__qualname__}"
                )
            self.classes[name] = cls
            cls.registered_name = name
            if name in self.arguments:
                cls.earlier_arguments = self.arguments[name]
            return cls

        return decorate

    def names(self) -> list[str]:
        """Sorted names of all classes."""
        return sorted(self.classes)

    def named(self, name: str) -> Any:
        """The class registered under `name`.

        Raises:
            ValueError: If there is none.
        """
        if name not in self.classes:
            raise ValueError(
                unknown(
                    self.kind,
                    name,
                    self.classes,
                    earlier=self.renamed,
                    more=", and those of a module that was imported (`--import` of the commands)",
                )
            )
        return self.classes[name]

    def get(self, name: str, **config) -> Any:
        """An object of the class registered under `name`.

        Args:
            name: A registered name.
            **config: Constructor arguments.

        Raises:
            ValueError: If the name or an argument is unknown, or an argument out of range.
        """
        cls = self.named(name)
        try:
            return cls.from_config(config)
        except UnknownArgument:
            raise
        except TypeError as error:
            raise ValueError(
                f"{self.kind.capitalize()} {name!r} does not take these arguments ({error}). "
                f"Received: {config}"
            ) from error

    def from_spec(self, text: str) -> Any:
        """The object that a text such as `lstm(hidden_size=20)` describes.

        Raises:
            ValueError: If the text cannot be read, or as `get` says.
        """
        name, arguments = parse_spec(text, self.kind)
        return self.get(name, **arguments)
