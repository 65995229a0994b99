"""What an entry of the suite is."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Entry:
    """One task of the suite, at one length.

    Attributes:
        name: How results call it.
        kind: What kind of model or difficulty it stands for.
        make: Function without arguments → `KerasTask`.
        steps: Length of a run.
        jit_compile: Whether its steps are compiled with XLA (where that is measured faster).
    """

    name: str
    kind: str
    make: Callable
    steps: int
    jit_compile: bool = False
