"""Celo and Celo-Adam: a learned schedule over a learned or a known step."""

import numpy as np
from keras import ops

from l2l_tf.cells import bias_correction, exponential_mean
from l2l_tf.core.config import integer, number
from l2l_tf.rules.base import Context, MetaParams, Slots, Tensor
from l2l_tf.rules.celo.evaluation import Reading, network_outputs
from l2l_tf.rules.celo.inputs import INPUTS, celo_slot_shapes
from l2l_tf.rules.celo.network import mlp_meta_params
from l2l_tf.rules.celo.scheduled import ScheduledRule
from l2l_tf.rules.registry import register_rule

# Celo's bound on a gradient's coordinates; it keeps every square within float32, too.
GRADIENT_BOUND = 1000.0
READING = Reading(GRADIENT_BOUND, square_decay=0.999, root_epsilon=1e-6, epsilon=1e-5)


@register_rule("celo")
class Celo(ScheduledRule):
    """Celo of Moudgil et al. (2025), arXiv 2501.12670: LSTM per variable, MLP per coordinate.

    With gradients clipped to ±1000, a ReLU network sees 30 normalised inputs per
    coordinate (`inputs.input_blocks`) and puts out a direction d and a magnitude a;
    `update = −0.001 · 0.1·e^s · d · e^(0.001·a) · √(mean(p²) + 1e-9)`, p the variable
    and s the scheduler's output (`ScheduledRule`).

    Bytes of state per coordinate: 16 for large matrices (and 12 for every row and column),
    28 for vectors; 512 per variable for the scheduler.

    Args:
        hidden_size: Units of the network's two hidden layers (published: 4).
        scheduler_size: Cells of the scheduler (published: 64).
        default_total_steps: Length that a run of unknown length counts as; the longest that
            the published weights were trained on.
        held_fraction: Share of it at which such a run stops ageing.
        seed: Seed of the untrained meta-parameters.
    """

    hidden_size: int = integer(4, min=1)
    scheduler_size: int = integer(64, min=1)
    default_total_steps: int = number(2000, above=0)
    held_fraction: float = number(0.5, min=0, max=1)
    seed: int = integer(0)

    def fresh_meta_params(self, generator: np.random.Generator) -> MetaParams:
        widths = (INPUTS, self.hidden_size, self.hidden_size, 2)
        return {**self._scheduler_meta_params(generator), **mlp_meta_params(generator, widths)}

    def variable_slots(self, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        return celo_slot_shapes(shape)

    def variable_step(
        self, gradient: Tensor, slots: Slots, variable: Tensor, meta_params: Slots, context: Context
    ) -> tuple[Tensor, Slots]:
        size = 0.001 * ops.sqrt(ops.mean(ops.square(variable)) + 1e-9)

        def output(found):
            direction, magnitude = found[0], found[1]
            return size * direction * ops.exp(0.001 * magnitude)

        return network_outputs(
            READING, output, gradient, variable, slots, meta_params, context, self.chunked
        )


@register_rule("celo_adam")
class CeloAdam(ScheduledRule):
    """Celo-Adam of Moudgil et al. (2025), arXiv 2501.12670: Adam under Celo's scheduler.

    With gradients clipped to ±1000 and bias-corrected means m̂ (0.9) and v̂ (0.999):
    `update = −0.001 · 0.1·e^s · m̂ / (1e-8 + √(v̂ + 1e-10))`, s the scheduler's output
    (`ScheduledRule`).

    Bytes of state: 8 per coordinate; 512 per variable for the scheduler.

    Args:
        scheduler_size: Cells of the scheduler (published: 64).
        default_total_steps: See `Celo`.
        held_fraction: See `Celo`.
        seed: Seed of the untrained meta-parameters.
    """

    scheduler_size: int = integer(64, min=1)
    default_total_steps: int = number(2000, above=0)
    held_fraction: float = number(0.5, min=0, max=1)
    seed: int = integer(0)

    def fresh_meta_params(self, generator: np.random.Generator) -> MetaParams:
        return self._scheduler_meta_params(generator)

    def variable_slots(self, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        return {"mean": shape, "mean_square": shape}

    def variable_step(
        self, gradient: Tensor, slots: Slots, variable: Tensor, meta_params: Slots, context: Context
    ) -> tuple[Tensor, Slots]:
        del variable, meta_params
        gradient = ops.clip(gradient, -GRADIENT_BOUND, GRADIENT_BOUND)
        mean = exponential_mean(slots["mean"], gradient, 0.9)
        square = exponential_mean(slots["mean_square"], ops.square(gradient), 0.999)
        mean_hat = mean * bias_correction(0.9, context.iteration, gradient.dtype)
        square_hat = square * bias_correction(0.999, context.iteration, gradient.dtype)
        step = 0.001 * mean_hat / (1e-8 + ops.sqrt(square_hat + 1e-10))
        return step, {"mean": mean, "mean_square": square}
