"""Packages that need TensorFlow say so where it is missing, in whatever way they are imported."""

import importlib.abc
import importlib.util
import sys
from collections.abc import Mapping


def has_tensorflow() -> bool:
    """Whether TensorFlow is installed; it is not imported."""
    return importlib.util.find_spec("tensorflow") is not None


class TensorFlowRooms(importlib.abc.MetaPathFinder):
    """Refuses to import what needs TensorFlow while that is not installed.

    It finds no module itself, and asks again at every import: TensorFlow may come in between.

    Args:
        extras: Dict full name of a package → the extra that brings what it needs.
        received: Text of what runs instead, at the end of the error.
    """

    def __init__(self, extras: Mapping[str, str], received: str):
        self._extras = dict(extras)
        self._received = received

    def find_spec(self, fullname, path=None, target=None):
        """None, which leaves a module to others.

        Raises:
            ImportError: If it is one of the packages, and TensorFlow is missing.
        """
        if fullname in self._extras and not has_tensorflow():
            raise ImportError(
                f"{fullname} needs TensorFlow: pip install 'l2l-tf[{self._extras[fullname]}]'. "
                f"Received: {self._received}, without TensorFlow",
                name=fullname,
            )
        return None

    def install(self) -> None:
        """Ask this finder before all others."""
        sys.meta_path.insert(0, self)
