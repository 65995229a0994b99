"""Base of the rules that update all variables jointly."""

import math
from typing import NamedTuple

import numpy as np

from l2l_tf.rules.base import (
    Context,
    CoordinatewiseRule,
    MetaParams,
    RuleState,
    Slots,
    Tensor,
    Tensors,
    cast_meta_params,
)
from l2l_tf.rules.chunks import worth_chunks
from l2l_tf.rules.dtypes import widest_dtype
from l2l_tf.rules.memory.controllers import Options, make_controller
from l2l_tf.rules.packing import pack, size_of, unpack


class Group(NamedTuple):
    """Variables packed together.

    Attributes:
        gradient: `[n]`.
        slots: Dict name → `[…, n]`.
        variable: `[n]`.
        dtype: Dtype in which to compute.
        large: Whether it is to be evaluated in chunks; then tensors may be of other dtypes.
    """

    gradient: Tensor
    slots: Slots
    variable: Tensor
    dtype: str
    large: bool


class JointRule(CoordinatewiseRule):
    """A rule over all variables together, with a controller.

    Slots are per variable, as in `CoordinatewiseRule`; what spans variables is in
    `RuleState.shared`. A subclass provides `groups` and `joint_update`.

    Its `controller` is the name of a `Controller`; fields of the names of `Options` are what that
    is told.
    """

    coordinatewise = False

    def __post_init__(self):
        super().__post_init__()
        vars(self)["controller_part"] = make_controller(self.controller, self.options())

    def options(self) -> Options:
        """The `Options` of the rule's controller."""
        known = vars(self).items()
        return Options(**{name: value for name, value in known if name in Options._fields})

    def fresh_meta_params(self, generator: np.random.Generator) -> MetaParams:
        return self.controller_part.initial_meta_params(generator)

    def slot_shapes(self) -> dict[str, tuple[int, ...]]:
        return self.controller_part.slot_shapes()

    def shared_init(self, count: int, dtype: str) -> Slots:
        """The shared state of `count` coordinates: dict name → tensor."""
        del count, dtype
        return {}

    def groups(self, variables: Tensors) -> list[tuple[list[int], str]]:
        """How variables are packed: list of `(indices, compute dtype)`."""
        raise NotImplementedError(f"{type(self).__name__}.groups")

    def takes_chunks(self) -> bool:
        """Whether large groups are to be evaluated in chunks."""
        return self.chunked and self.controller_part.takes_chunks

    def joint_update(
        self, meta_params: list[Slots], groups: list[Group], shared: Slots, context: Context
    ) -> tuple[list[tuple[Tensor, Slots]], Slots]:
        """One step of all groups.

        Args:
            meta_params: List of the meta-parameters in each chunk's dtype.
            groups: List of `Group`.
            shared: The shared state.
            context: A `Context`.

        Returns:
            `(list of (update [n], slots), shared)`.
        """
        raise NotImplementedError(f"{type(self).__name__}.joint_update")

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        count = sum(math.prod(v.shape) for v in variables)
        shared = self.shared_init(count, state_dtype or widest_dtype(variables))
        return RuleState(super().init(variables, state_dtype).variables, shared)

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        groups = self.groups(variables)
        packed = []
        for indices, dtype in groups:
            of_group = [[items[i] for i in indices] for items in (gradients, state.variables)]
            members = [variables[i] for i in indices]
            large = self.takes_chunks() and worth_chunks(
                sum(size_of(v) for v in members), self.floats_per_coordinate()
            )
            # What is packed was copied anyway; a large variable's slots stay as they are.
            given = pack(*of_group, members, None if large and len(members) == 1 else dtype)
            packed.append(Group(*given, dtype, large))
        meta_params = [cast_meta_params(self, dtype).meta_params for _, dtype in groups]
        results, shared = self.joint_update(meta_params, packed, state.shared, context)
        updates, states = [None] * len(variables), [None] * len(variables)
        for (indices, _), (update, slots) in zip(groups, results, strict=True):
            pieces = unpack(
                update,
                slots,
                [variables[i] for i in indices],
                [state.variables[i] for i in indices],
            )
            for index, piece, new in zip(indices, *pieces, strict=True):
                updates[index], states[index] = piece, new
        return updates, RuleState(states, shared)
