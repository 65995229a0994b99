"""Celo2: a learned direction of unit size, orthogonalised or not."""

import numpy as np
from keras import ops

from l2l_tf.cells import (
    bias_correction,
    exponential_mean,
    newton_schulz,
    only_where,
    root_mean_square,
    touched,
)
from l2l_tf.core.config import boolean, integer, number
from l2l_tf.rules.base import (
    Context,
    MetaParams,
    RuleState,
    Tensors,
    UpdateRule,
    compute_dtype_for,
    state_dtype_for,
)
from l2l_tf.rules.celo.evaluation import Reading, network_outputs
from l2l_tf.rules.celo.inputs import INPUTS, celo_slot_shapes
from l2l_tf.rules.celo.network import mlp_meta_params
from l2l_tf.rules.registry import register_rule

# Far beyond any gradient that training survives; keeps fourth powers within float32.
GRADIENT_BOUND = 1e9
EPSILON = 1e-9
READING = Reading(
    GRADIENT_BOUND, square_decay=0.95, root_epsilon=1e-8, epsilon=EPSILON, last_axes=2
)


@register_rule("celo2")
class Celo2(UpdateRule):
    """Celo2 of Moudgil et al. (2026), arXiv 2602.19142.

    A ReLU network sees Celo's inputs (`inputs.input_blocks`), each divided by its root mean
    square over the variable's last two axes, and puts out a direction d per coordinate;
    `update = −step_size · d / √(mean(d²) + 1e-9)`, the mean over the last two axes. With
    `orthogonalize`, d of matrices (and of the last two axes of larger tensors) first goes
    through `cells.newton_schulz`, and vectors take Adam's direction (0.9, 0.95) times
    `vector_scale`; without, vectors go through the network, on the inputs that need no
    rows and columns.

    There is no learned schedule: size and decay of the steps are the user's, as
    `LearnedOptimizer(learning_rate=…)`; 0.001 is a usual one.

    Bytes of state per coordinate: 16 for large matrices (and 12 for every row and column);
    for vectors 8 with `orthogonalize`, 16 without.

    Args:
        orthogonalize: Whether matrices are orthogonalised (published as Celo2; without as
            Celo2-base).
        step_size: Root mean square of an update.
        vector_scale: How much larger the steps of vectors are under `orthogonalize`
            (published: 20).
        hidden_size: Units of the network's two hidden layers (published: 8).
        seed: Seed of the untrained meta-parameters.
    """

    orthogonalize: bool = boolean(True)
    step_size: float = number(1.0, above=0)
    vector_scale: float = number(20.0, min=0)
    hidden_size: int = integer(8, min=1)
    seed: int = integer(0)

    def fresh_meta_params(self, generator: np.random.Generator) -> MetaParams:
        return mlp_meta_params(generator, (INPUTS, self.hidden_size, self.hidden_size, 1))

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        states = []
        for variable in variables:
            dtype = state_dtype_for(variable, state_dtype)
            shape = tuple(variable.shape) or (1,)
            if self._takes_adam(shape):
                slots = {"mean": shape, "root_mean_square": shape}
            else:
                slots = celo_slot_shapes(shape, vector_moments=False)
            states.append({name: ops.zeros(s, dtype) for name, s in slots.items()})
        return RuleState(states, {})

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        updates, states = [], []
        for gradient, slots, variable in zip(gradients, state.variables, variables, strict=True):
            dtype = compute_dtype_for(variable)
            shape = tuple(variable.shape) or (1,)
            old = {k: ops.cast(v, dtype) for k, v in slots.items()}
            gradient = ops.reshape(ops.cast(gradient, dtype), shape)
            if self._takes_adam(shape):
                step, new = self._adam_step(gradient, old, context)
            else:
                value = ops.reshape(ops.cast(variable, dtype), shape)
                step, new = self._network_step(gradient, old, value, context)
            updates.append(ops.reshape(-self.step_size * step, ops.shape(variable)))
            states.append({k: ops.cast(new[k], v.dtype) for k, v in slots.items()})
        return updates, RuleState(states, state.shared)

    def _takes_adam(self, shape):
        return self.orthogonalize and len(shape) < 2

    def _adam_step(self, gradient, slots, context):
        mean = exponential_mean(slots["mean"], gradient, 0.9)
        root = root_mean_square(slots["root_mean_square"], gradient, 0.95)
        mean_hat = mean * bias_correction(0.9, context.iteration, gradient.dtype)
        root_hat = root * ops.sqrt(bias_correction(0.95, context.iteration, gradient.dtype))
        step = self.vector_scale * mean_hat / (root_hat + 1e-8)
        return step, {"mean": mean, "root_mean_square": root}

    def _network_step(self, gradient, slots, variable, context):
        params = {k: ops.cast(v, gradient.dtype) for k, v in self.meta_params.items()}
        direction, slots = network_outputs(
            READING,
            lambda found: found[0],
            gradient,
            variable,
            slots,
            params,
            context,
            self.chunked,
        )
        if self.orthogonalize:
            known = touched(gradient, slots["mean"], slots["mean_square"])
            (direction,) = only_where(known, newton_schulz(direction))
        rank = len(gradient.shape)
        last = tuple(range(max(rank - 2, 0), rank))
        scale = ops.rsqrt(ops.mean(ops.square(direction), axis=last, keepdims=True) + EPSILON)
        return direction * scale, slots
