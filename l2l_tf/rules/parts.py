"""Tensors of several rules in one dict, under names that begin with the part they belong to."""

from l2l_tf.rules.base import RuleState


def merged(**parts):
    """One dict name → tensor out of a dict of each part."""
    return {f"{part}_{name}": t for part, tensors in parts.items() for name, t in tensors.items()}


def part_of(tensors, part):
    """The reverse of `merged`: one part's dict name → tensor."""
    prefix = f"{part}_"
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def state_of(state, part):
    """One part's `RuleState` out of one whose dicts are all `merged`."""
    return RuleState([part_of(own, part) for own in state.variables], part_of(state.shared, part))
