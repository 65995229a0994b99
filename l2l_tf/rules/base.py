"""The one contract everything shares: an update rule is a pure function of explicit state.

    state          = rule.init(variables)
    updates, state = rule.update(gradients, state, variables, context)

The same `update` runs under `LearnedOptimizer`, in the unrolled meta-trainer and
in an exported SavedModel.
"""

import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from keras import ops

from l2l_tf.core import draws
from l2l_tf.core.config import Configured
from l2l_tf.rules.barrier import optimization_barrier
from l2l_tf.rules.chunks import evaluate_in_chunks, worth_chunks
from l2l_tf.rules.dtypes import compute_dtype_for, state_dtype_for
from l2l_tf.rules.layout import Layout
from l2l_tf.rules.packing import pack, packing_groups, size_of, unpack
from l2l_tf.rules.state import RuleState, Slots, Tensor, Tensors, counterpart

UNKNOWN = math.nan
# Learned weights before they are bound: name → float32 array.
MetaParams = Mapping[str, np.ndarray | np.generic]


class Context(NamedTuple):
    """What a rule may know besides gradients.

    Attributes:
        iteration: Scalar, updates taken before this one (0 at the first); what corrects the
            bias of slots counts with it.
        loss: Scalar float, the loss the gradients belong to; NaN if unknown.
        total_steps: Scalar float, the length of the run; NaN if unknown.
        run_start: Scalar, the `iteration` at which the run began: 0 unless the slots have
            served an earlier run, and negative if its first steps were taken without them.
        passes: Scalar float, how often the run passes over its data; NaN if unknown.
        batch_rows: Scalar float, rows that a gradient is the mean of; NaN if unknown.
        contested: Scalar bool: whether another optimizer trains what the loss also depends on,
            against this one.
        epoch_start: Scalar, the `iteration` at which the present epoch began.
        epoch_steps: Scalar float, updates that an epoch takes, at whose end the weights are
            looked at; NaN if unknown.
    """

    iteration: Any = 0
    loss: Any = UNKNOWN
    total_steps: Any = UNKNOWN
    run_start: Any = 0
    passes: Any = UNKNOWN
    batch_rows: Any = UNKNOWN
    contested: Any = False
    epoch_start: Any = 0
    epoch_steps: Any = UNKNOWN

    @property
    def run_iteration(self) -> Tensor:
        """Updates of this run taken before this one; what follows progress counts with it."""
        return self.iteration - self.run_start


class UpdateRule(Configured):
    """Base class of update rules.

    A subclass declares its arguments as fields (`core.config`) and implements `init` and
    `update`, and `fresh_meta_params` if it has weights to learn.

    Attributes:
        meta_params: Dict name → float32 array, tensor or variable: the learned
            weights. Empty for hand-crafted rules.
        coordinatewise: Whether each coordinate's update depends on that
            coordinate alone, so that variables may be split, packed and batched.
        supports_jit: Whether XLA can compile `update`; False for a rule that calls what it
            cannot, which is then left to the program around it.
        steps_alone: Whether the program takes steps and is never differentiated; see `for_steps`.
        chunked: Whether temporaries stay bounded, where the rule can do that.
        takes_learning_rate: Whether the rule has a `learning_rate` of its own, in whose place
            an optimizer's may stand: a number or a scalar tensor.
        sees_constraints: Whether an optimizer leaves out of gradients what a variable's
            constraint takes back; False for rules that equal Keras's optimizers, which do not.
        seed: Seed of the untrained meta-parameters, where a rule has any.
    """

    coordinatewise = False
    sees_constraints = True
    supports_jit = True
    takes_learning_rate = False
    steps_alone = False
    chunked = False
    seed = 0

    @functools.cached_property
    def meta_params(self) -> Mapping[str, Tensor]:
        return self.initial_meta_params()

    def initial_meta_params(self, seed: int | None = None) -> MetaParams:
        """Untrained meta-parameters, a dict name → float32 array.

        Args:
            seed: Non-negative int; the same seed gives the same arrays. None: the rule's own.
        """
        return self.fresh_meta_params(draws.generator(self.seed if seed is None else seed))

    def fresh_meta_params(self, generator: np.random.Generator) -> MetaParams:
        """What `initial_meta_params` draws from a `numpy.random.Generator`."""
        del generator
        return {}

    def bind(self, meta_params: Mapping[str, Tensor]) -> Self:
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
        return self.copied(meta_params=dict(meta_params))

    def starting_from(self, other: "UpdateRule") -> Self:
        """The same rule with the meta-parameters of another, wherever it has such.

        The parts of a composition have names that end with those of their rule, and each of
        them starts from the same values: `partition()` takes twice what an `lstm()` has.

        Args:
            other: The `UpdateRule` to start from.

        Returns:
            A shallow copy of the rule.

        Raises:
            ValueError: If a meta-parameter has no counterpart of its shape.
        """
        found = {}
        for name, value in self.meta_params.items():
            source = counterpart(name, other.meta_params)
            given = None if source is None else other.meta_params[source]
            if given is None or tuple(given.shape) != tuple(value.shape):
                known = {k: tuple(v.shape) for k, v in other.meta_params.items()}
                raise ValueError(
                    f"{type(self).__name__} cannot start from {type(other).__name__}: nothing "
                    f"is there for {name!r} of shape {tuple(value.shape)}. Received: {known}"
                )
            found[name] = given
        return self.bind(found)

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        """State before the first update.

        Args:
            variables: List of tensors or variables (only shape and dtype count).
            state_dtype: Dtype of every slot instead of the default (float64 for
                float64 variables, float32 for all others).

        Returns:
            A `RuleState`.
        """
        raise NotImplementedError(f"{type(self).__name__}.init")

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
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

    def for_steps(self, chunked: bool = False) -> Self:
        """The same rule for a program that takes steps and is never differentiated.

        Args:
            chunked: Whether temporaries stay bounded, where the rule can do that. For programs
                that XLA compiles; elsewhere each chunk would copy the state.
        """
        return self.copied(steps_alone=True, chunked=chunked)

    def laid_out(self, layouts: list[Layout]) -> Self:
        """The same rule for variables of which more is known than their shapes.

        Args:
            layouts: List of `Layout`, one for each variable, in the variables' order.

        Returns:
            A shallow copy of the rule, or the rule itself if it looks at shapes alone.
        """
        del layouts
        return self

    def at_learning_rate(self, learning_rate: Tensor) -> tuple[Self, Tensor]:
        """The rule at an optimizer's learning rate, and what its updates are multiplied by.

        Args:
            learning_rate: Number or scalar tensor.

        Returns:
            `(rule, factor)`: with the rate as its own and 1 if the rule takes one, else the
            rule itself and the rate.
        """
        if not self.takes_learning_rate:
            return self, learning_rate
        return self.copied(learning_rate=learning_rate), 1.0


class CoordinatewiseRule(UpdateRule):
    """A rule that treats every coordinate alike and apart from the others.

    A subclass implements `slot_shapes` and `coordinate_update` for one flat vector
    of `n` coordinates; this class evaluates them for all variables of a model at
    once. A slot is stored as `[*slot_shape, n]`, coordinates last, per variable.
    """

    coordinatewise = True

    def slot_shapes(self) -> dict[str, tuple[int, ...]]:
        """Dict slot name → its shape per coordinate, such as `(20,)` or `()`."""
        raise NotImplementedError(f"{type(self).__name__}.slot_shapes")

    def coordinate_update(
        self, gradient: Tensor, state: Slots, variable: Tensor, context: Context
    ) -> tuple[Tensor, Slots]:
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

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        states = []
        for variable in variables:
            dtype = state_dtype_for(variable, state_dtype)
            count = size_of(variable)
            states.append(
                {
                    name: ops.zeros((*shape, count), dtype=dtype)
                    for name, shape in self.slot_shapes().items()
                }
            )
        return RuleState(states, {})

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        updates = [None] * len(gradients)
        states = [None] * len(gradients)
        for group in packing_groups(variables, self.floats_per_coordinate()):
            group_updates, group_states = self._update_group(
                [gradients[i] for i in group],
                [state.variables[i] for i in group],
                [variables[i] for i in group],
                context,
            )
            for index, update, new in zip(group, group_updates, group_states, strict=True):
                updates[index], states[index] = update, new
        return updates, RuleState(states, state.shared)

    def floats_per_coordinate(self) -> int:
        """Numbers of state kept for each coordinate."""
        return int(sum(np.prod(s, dtype=int) for s in self.slot_shapes().values()))

    def _update_group(self, gradients, states, variables, context):
        dtype = compute_dtype_for(variables[0])
        rule = cast_meta_params(self, dtype)

        def evaluate(gradient, variable, slots):
            return rule.coordinate_update(gradient, slots, variable, context)

        alone = len(variables) == 1
        count = size_of(variables[0]) if alone else sum(size_of(v) for v in variables)
        if self.chunked and worth_chunks(count, self.floats_per_coordinate()):
            # What is packed was copied anyway; a large variable's slots stay as they are.
            gradient, slots, variable = pack(gradients, states, variables, None if alone else dtype)
            given = (gradient, variable)
            update, state = evaluate_in_chunks(evaluate, given, slots, dtype, context.iteration)
        else:
            gradient, slots, variable = pack(gradients, states, variables, dtype)
            update, state = evaluate(gradient, variable, slots)
            if self.steps_alone and not alone:
                update, state = optimization_barrier((update, state), context.iteration)
        return unpack(update, state, variables, states)


def cast_meta_params(rule, dtype):
    """The rule with its meta-parameters in `dtype`, in which it is to compute."""
    if dtype == "float32" or not rule.meta_params:
        return rule
    return rule.copied(meta_params={k: ops.cast(v, dtype) for k, v in rule.meta_params.items()})
