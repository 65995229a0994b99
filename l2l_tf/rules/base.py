"""The one contract everything shares: an update rule is a pure function of explicit state.

    state          = rule.init(variables)
    updates, state = rule.update(gradients, state, variables, context)

The same `update` runs under `LearnedOptimizer`, in the unrolled meta-trainer and
in an exported SavedModel.
"""

import copy
import inspect
import math
from typing import Any, NamedTuple

import numpy as np
from keras import ops

UNKNOWN = math.nan


class Context(NamedTuple):
    """What a rule may know besides gradients.

    Attributes:
        iteration: Scalar, updates taken before this one (0 at the first); what corrects the
            bias of slots counts with it.
        loss: Scalar float, the loss the gradients belong to; NaN if unknown.
        total_steps: Scalar float, the length of the run; NaN if unknown.
        run_start: Scalar, the `iteration` at which the run began: 0 unless the slots have
            served an earlier run, and negative if its first steps were taken without them.
    """

    iteration: Any = 0
    loss: Any = UNKNOWN
    total_steps: Any = UNKNOWN
    run_start: Any = 0

    @property
    def run_iteration(self):
        """Updates of this run taken before this one; what follows progress counts with it."""
        return self.iteration - self.run_start


class RuleState(NamedTuple):
    """State of a rule: one flat dict of named tensors per variable, one shared.

    Attributes:
        variables: List, in the variables' order, of dicts name → tensor.
        shared: Dict name → tensor.
    """

    variables: list
    shared: dict


def state_dtype_for(variable, state_dtype=None):
    """Dtype of a variable's slots: float64 for float64, else at least float32.

    Args:
        variable: Anything with a `dtype`.
        state_dtype: Explicit choice that overrides the default, or None.
    """
    if state_dtype is not None:
        return state_dtype
    dtype = variable.dtype
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", str(dtype))
    return "float64" if name == "float64" else "float32"


def compute_dtype_for(variable):
    """Dtype in which a rule computes for a variable: float64 for float64, else float32."""
    return state_dtype_for(variable)


class UpdateRule:
    """Base class of update rules.

    A subclass sets its configuration in `__init__` (plain arguments stored under
    their own names: `get_config` reads them back), and implements
    `initial_meta_params`, `init` and `update`.

    Attributes:
        meta_params: Dict name → float32 array, tensor or variable: the learned
            weights. Empty for hand-crafted rules.
        coordinatewise: Whether each coordinate's update depends on that
            coordinate alone, so that variables may be split, joined and batched.
    """

    coordinatewise = False
    meta_params: dict

    def initial_meta_params(self, seed=0):
        """Untrained meta-parameters, a dict name → float32 array.

        Args:
            seed: Non-negative int; the same seed gives the same arrays.
        """
        del seed
        return {}

    def bind(self, meta_params):
        """The same rule with other meta-parameters.

        Args:
            meta_params: Mapping name → array, tensor or variable with the names
                and shapes of `initial_meta_params`.

        Returns:
            A shallow copy of the rule whose `update` uses `meta_params`.

        Raises:
            ValueError: If names or shapes do not match.
        """
        expected = {k: tuple(v.shape) for k, v in self.initial_meta_params().items()}
        received = {k: tuple(v.shape) for k, v in meta_params.items()}
        if expected != received:
            raise ValueError(
                f"The meta-parameters do not fit {type(self).__name__}: expected "
                f"names and shapes {expected}. Received: {received}"
            )
        bound = copy.copy(self)
        bound.meta_params = dict(meta_params)
        return bound

    def init(self, variables, state_dtype=None):
        """State before the first update.

        Args:
            variables: List of tensors or variables (only shape and dtype count).
            state_dtype: Dtype of every slot instead of the default (float64 for
                float64 variables, float32 for all others).

        Returns:
            A `RuleState`.
        """
        raise NotImplementedError(f"{type(self).__name__}.init")

    def update(self, gradients, state, variables, context):
        """One step.

        Args:
            gradients: List of tensors, one per variable, in the variables' shapes.
            state: The `RuleState` of the step before.
            variables: List of tensors: the variables before the step.
            context: A `Context`.

        Returns:
            `(updates, state)`; `updates` are *added* to the variables.
        """
        raise NotImplementedError(f"{type(self).__name__}.update")

    def get_config(self):
        """Constructor arguments, JSON-serialisable."""
        names = inspect.signature(type(self).__init__).parameters
        return {name: getattr(self, name) for name in names if name != "self"}

    @classmethod
    def from_config(cls, config):
        """A rule with this configuration and untrained meta-parameters."""
        return cls(**config)

    def __repr__(self):
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


class CoordinatewiseRule(UpdateRule):
    """A rule that treats every coordinate alike and apart from the others.

    A subclass implements `slot_shapes` and `coordinate_update` for one flat vector
    of `n` coordinates; this class evaluates them for all variables of a model at
    once. A slot is stored as `[*slot_shape, n]`, coordinates last, per variable.
    """

    coordinatewise = True

    def slot_shapes(self):
        """Dict slot name → its shape per coordinate, such as `(20,)` or `()`."""
        raise NotImplementedError(f"{type(self).__name__}.slot_shapes")

    def coordinate_update(self, gradient, state, variable, context):
        """The update of `n` coordinates.

        Args:
            gradient: `[n]`.
            state: Dict name → `[*slot_shape, n]`, in the gradient's dtype.
            variable: `[n]`, before the step.
            context: A `Context`.

        Returns:
            `(update [n], state)`.
        """
        raise NotImplementedError(f"{type(self).__name__}.coordinate_update")

    def init(self, variables, state_dtype=None):
        states = []
        for variable in variables:
            dtype = state_dtype_for(variable, state_dtype)
            count = _size(variable)
            states.append(
                {
                    name: ops.zeros((*shape, count), dtype=dtype)
                    for name, shape in self.slot_shapes().items()
                }
            )
        return RuleState(states, {})

    def update(self, gradients, state, variables, context):
        updates = [None] * len(gradients)
        states = [None] * len(gradients)
        for group in evaluation_groups(variables, self.floats_per_coordinate()):
            group_updates, group_states = self._update_group(
                [gradients[i] for i in group],
                [state.variables[i] for i in group],
                [variables[i] for i in group],
                context,
            )
            for index, update, new in zip(group, group_updates, group_states, strict=True):
                updates[index], states[index] = update, new
        return updates, RuleState(states, state.shared)

    def floats_per_coordinate(self):
        """Numbers of state kept for each coordinate."""
        return int(sum(np.prod(s, dtype=int) for s in self.slot_shapes().values()))

    def _update_group(self, gradients, states, variables, context):
        dtype = compute_dtype_for(variables[0])
        rule = cast_meta_params(self, dtype)
        flat = join(gradients, states, variables, dtype)
        update, state = rule.coordinate_update(*flat, context)
        return part(update, state, variables, states)


def cast_meta_params(rule, dtype):
    """The rule with its meta-parameters in `dtype`, in which it is to compute."""
    if dtype == "float32" or not rule.meta_params:
        return rule
    cast = copy.copy(rule)
    cast.meta_params = {k: ops.cast(v, dtype) for k, v in rule.meta_params.items()}
    return cast


def join(gradients, states, variables, dtype):
    """Several variables as one flat vector of `n` coordinates.

    Returns:
        `(gradient [n], state, variable [n])` in `dtype`; state: dict name → `[…, n]`.
    """

    def flat(tensors):
        return _join([ops.cast(ops.reshape(t, (-1,)), dtype) for t in tensors])

    state = {name: _join([ops.cast(s[name], dtype) for s in states]) for name in states[0]}
    return flat(gradients), state, flat(variables)


def part(update, state, variables, old_states):
    """The inverse of `join`: updates in the variables' shapes, slots in their dtypes."""
    sizes = [_size(v) for v in variables]
    updates = [
        ops.reshape(piece, ops.shape(v))
        for piece, v in zip(_split(update, sizes), variables, strict=True)
    ]
    states = [{} for _ in variables]
    for name, value in state.items():
        for new, old, piece in zip(states, old_states, _split(value, sizes), strict=True):
            new[name] = ops.cast(piece, old[name].dtype)
    return updates, states


# Joining copies the state of the joined variables once per step, which pays while
# it spares an op chain per variable and stops paying for large ones.
JOINED_STATE_BYTES = 64 * 2**20


def evaluation_groups(variables, floats_per_coordinate):
    """Which variables are evaluated together.

    Small variables of one compute dtype are joined while their state together is
    at most `JOINED_STATE_BYTES`; a variable of unknown size stays alone.

    Args:
        variables: List of tensors or variables.
        floats_per_coordinate: Numbers of state per coordinate.

    Returns:
        List of lists of indices into `variables`.
    """
    groups, open_groups = [], {}
    for index, variable in enumerate(variables):
        dtype = compute_dtype_for(variable)
        size = _size(variable)
        if not isinstance(size, int):
            groups.append([index])
            continue
        width = 8 if dtype == "float64" else 4
        cost = size * max(floats_per_coordinate, 1) * width
        group, used = open_groups.get(dtype, (None, 0))
        if group is None or used + cost > JOINED_STATE_BYTES:
            group, used = [], 0
            groups.append(group)
        group.append(index)
        open_groups[dtype] = (group, used + cost)
    return groups


def _size(variable):
    """Number of coordinates: an int if the shape is static, else a tensor."""
    shape = tuple(variable.shape)
    if all(isinstance(d, int) for d in shape):
        return int(math.prod(shape))
    return ops.size(variable)


def _join(tensors):
    return tensors[0] if len(tensors) == 1 else ops.concatenate(tensors, axis=-1)


def _split(tensor, sizes):
    if len(sizes) == 1:
        return [tensor]
    boundaries = list(np.cumsum(sizes)[:-1])
    return ops.split(tensor, [int(b) for b in boundaries], axis=-1)
