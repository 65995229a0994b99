"""What a file holds of an optimizer: whose state it is, its counters, and the rest."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from l2l_tf.core import renamed

# Scalars in front of a `RuleOptimizer`'s state, and whether they are whole numbers. An optimizer
# that follows a schedule has no learning rate.
COUNTERS = {
    "iteration": True,
    "learning_rate": False,
    "loss": False,
    "skipped_steps": True,
    "run_length": False,
    "run_start": True,
}
# What a `LossScaleOptimizer` writes in front of the state of the optimizer inside; before it was
# built, the first two alone.
WRAPPER = {"iteration": True, "learning_rate": False, "step_counter": True, "dynamic_scale": False}

# Beside the arrays: whose state they are, JSON as bytes. Files of an earlier time do not say.
ORIGIN = "origin"


@dataclasses.dataclass(frozen=True)
class SavedState:
    """State of a `RuleOptimizer`, as a file holds it.

    Attributes:
        wrapper: Dict of the scalars of a `LossScaleOptimizer` around it; empty without one.
        counters: Dict name → scalar array.
        rest: List of arrays: averages and accumulators, meta-parameters, slots, shared state.
        origin: Dict of `rule`, as `rules.serialize` describes it, and `preset`; empty where the
            file does not say.
    """

    wrapper: dict
    counters: dict
    rest: list
    origin: dict = dataclasses.field(default_factory=dict)


def write(store: Any, arrays: Iterable, origin: Any) -> None:
    """Fill a store of Keras's with arrays, in their order, and whose they are."""
    for index, array in enumerate(arrays):
        store[str(index)] = array
    store[ORIGIN] = np.frombuffer(json.dumps(origin).encode(), "uint8")


def read(store):
    """The `SavedState` that a store holds, or None if it is not that of a `RuleOptimizer`.

    Args:
        store: Mapping "0", "1", … → array, as `save_own_variables` fills it.
    """
    numbered = set(store.keys()) - {ORIGIN}
    keys = [str(i) for i in range(len(numbered))]
    if set(keys) != numbered:
        return None
    arrays = [np.asarray(store[key]) for key in keys]
    short = dict(list(WRAPPER.items())[:2])
    scheduled = {name: whole for name, whole in COUNTERS.items() if name != "learning_rate"}
    # The longest first: the scalars of one may look like the beginning of another.
    for wrapper in (WRAPPER, short, {}):
        for counters in (COUNTERS, scheduled):
            wholes = [*wrapper.values(), *counters.values()]
            if len(arrays) < len(wholes) or not all(map(_is_scalar, arrays, wholes)):
                continue
            # A wrapper's own learning rate is always 0, and stands where a loss would.
            if bool(wrapper) == bool(arrays[1] == 0) or not wrapper and counters is COUNTERS:
                own = len(wrapper)
                return SavedState(
                    dict(zip(wrapper, arrays, strict=False)),
                    dict(zip(counters, arrays[own:], strict=False)),
                    arrays[len(wholes) :],
                    _origin(store),
                )
    return None


def _origin(store):
    if ORIGIN not in store.keys():  # A store of Keras's is no container.
        return {}
    try:
        origin = json.loads(np.asarray(store[ORIGIN]).tobytes())
    except ValueError:
        return {}
    named = isinstance(origin, dict) and renamed.is_rule(origin.get("rule"))
    return origin if named else {}


def names(description: Any) -> str:
    """Names of a described rule and of those inside it, under today's names, as one text."""
    return _names(renamed.upgraded_rule(description))


def _names(value):
    if isinstance(value, list):
        return ", ".join(filter(None, map(_names, value)))
    if not isinstance(value, dict):
        return ""
    if not renamed.is_rule(value):
        return _names(list(value.values()))
    inside = _names(list(value["config"].values()))
    return value["name"] + (f"({inside})" if inside else "")


def _is_scalar(array, whole):
    return array.shape == () and (array.dtype.kind in "iu") == whole


def find(arrays, shapes):
    """Where arrays of these shapes stand one behind the other in a list, or None."""
    received = [tuple(a.shape) for a in arrays]
    for start in range(len(arrays) - len(shapes) + 1):
        if received[start : start + len(shapes)] == shapes:
            return start
    return None


def described(arrays):
    """Number and shapes of arrays as text, for errors."""
    shapes = [tuple(np.shape(a)) for a in arrays]
    return f"{len(shapes)} of shapes {shapes if len(shapes) <= 12 else [*shapes[:12], '…']}"
