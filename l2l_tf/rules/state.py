"""State of a rule, and of several rules in one.

It is flat, as what holds it is: Keras names each of an optimizer's variables, files list them, a
SavedModel's step takes them one by one. In the state of several rules a tensor's name begins with
the part that it belongs to, and this file alone knows how.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

# A tensor of Keras's backend, an array or a variable.
Tensor = Any
Tensors = list[Tensor]
# What is kept of one variable, or of all together: name → tensor.
Slots = dict[str, Tensor]


class RuleState(NamedTuple):
    """State of a rule: one flat dict of named tensors per variable, one shared.

    Attributes:
        variables: List, in the variables' order, of dicts name → tensor.
        shared: Dict name → tensor.
    """

    variables: list[Slots]
    shared: Slots


def merged(**parts: Mapping[str, Tensor]) -> Slots:
    """One dict name → tensor out of a dict of each part."""
    return {f"{part}_{name}": t for part, tensors in parts.items() for name, t in tensors.items()}


def part_of(tensors: Mapping[str, Tensor], part: str) -> Slots:
    """The reverse of `merged`: one part's dict name → tensor."""
    prefix = f"{part}_"
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def merged_states(**parts: RuleState) -> RuleState:
    """One `RuleState` out of that of each part, all of the same variables."""
    of_each = zip(*(state.variables for state in parts.values()), strict=True)
    variables = [merged(**dict(zip(parts, own, strict=True))) for own in of_each]
    return RuleState(variables, merged(**{part: s.shared for part, s in parts.items()}))


def state_of(state: RuleState, part: str) -> RuleState:
    """The reverse of `merged_states`: one part's `RuleState`."""
    return RuleState([part_of(own, part) for own in state.variables], part_of(state.shared, part))


def counterpart(name: str, names: Collection[str]) -> str | None:
    """Which of `names` a name is without the parts that it begins with; None if it is none."""
    return max((n for n in names if name == n or name.endswith(f"_{n}")), key=len, default=None)
