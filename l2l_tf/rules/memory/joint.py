"""Base of the rules that update all variables jointly."""

import math

from l2l_tf.rules.base import CoordinatewiseRule, RuleState, cast_meta_params
from l2l_tf.rules.dtypes import widest_dtype
from l2l_tf.rules.memory.controllers import Options, make_controller
from l2l_tf.rules.packing import pack, unpack


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

    def options(self):
        """The `Options` of the rule's controller."""
        known = vars(self).items()
        return Options(**{name: value for name, value in known if name in Options._fields})

    def fresh_meta_params(self, generator):
        return self.controller_part.initial_meta_params(generator)

    def slot_shapes(self):
        return self.controller_part.slot_shapes()

    def shared_init(self, count, dtype):
        """The shared state of `count` coordinates: dict name → tensor."""
        del count, dtype
        return {}

    def groups(self, variables):
        """How variables are packed: list of `(indices, compute dtype)`."""
        raise NotImplementedError(f"{type(self).__name__}.groups")

    def joint_update(self, meta_params, groups, shared, context):
        """One step of all groups.

        Args:
            meta_params: List of the meta-parameters in each chunk's dtype.
            groups: List of `(gradient [n], slots, variable [n])`.
            shared: The shared state.
            context: A `Context`.

        Returns:
            `(list of (update [n], slots), shared)`.
        """
        raise NotImplementedError(f"{type(self).__name__}.joint_update")

    def init(self, variables, state_dtype=None):
        count = sum(math.prod(v.shape) for v in variables)
        shared = self.shared_init(count, state_dtype or widest_dtype(variables))
        return RuleState(super().init(variables, state_dtype).variables, shared)

    def update(self, gradients, state, variables, context):
        groups = self.groups(variables)
        packed = [
            pack(
                *([items[i] for i in indices] for items in (gradients, state.variables)),
                [variables[i] for i in indices],
                dtype,
            )
            for indices, dtype in groups
        ]
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
