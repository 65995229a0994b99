"""The paper's rule: a coordinatewise LSTM turns gradients into updates."""

import numpy as np
from keras import ops

from l2l_tf.cells import (
    linear,
    linear_meta_params,
    log_and_sign,
    lstm_meta_params,
    only_where,
    stacked_lstm_step,
    touched,
)
from l2l_tf.core.config import integer, number, optional
from l2l_tf.rules.base import Context, CoordinatewiseRule, MetaParams, Slots, Tensor
from l2l_tf.rules.registry import register_rule


def lstm_slot_shapes(layers, hidden_size):
    """Slots of stacked LSTMs: `lstm_{l}_hidden` and `lstm_{l}_cell` for every layer."""
    return {
        f"lstm_{layer}_{kind}": (hidden_size,)
        for layer in range(layers)
        for kind in ("hidden", "cell")
    }


def stacked_lstm_meta_params(generator, inputs, layers, hidden_size, output_scale=0.1):
    """Meta-parameters of stacked LSTMs with one linear output per coordinate.

    Args:
        generator: `numpy.random.Generator`.
        inputs: Number of input features.
        layers: Number of LSTM layers.
        hidden_size: Cells per layer.
        output_scale: Scale of the output kernel; small, so that meta-training
            starts from an optimizer that hardly moves.

    Returns:
        Dict name → float32 array.
    """
    params = {}
    for layer in range(layers):
        width = inputs if layer == 0 else hidden_size
        for key, value in lstm_meta_params(generator, width, hidden_size).items():
            params[f"lstm_{layer}_{key}"] = value
    for key, value in linear_meta_params(generator, hidden_size, 1, output_scale).items():
        params[f"output_{key}"] = value
    return params


@register_rule("lstm")
class LSTM(CoordinatewiseRule):
    """Coordinatewise LSTM of Andrychowicz et al. (2016), arXiv 1606.04474.

    `[o, h'] = LSTM(preprocess(∇), h)`, update = output_scale · (w · o + b).

    A coordinate stays until its gradient is first other than zero; the slot `touched` keeps that.

    With the defaults: 5,141 meta-parameters, 81 floats of state per coordinate.

    Args:
        hidden_size: Cells per layer (paper: 20).
        layers: LSTM layers (paper: 2).
        preprocess: The paper's p for `log_and_sign` (10 in the paper), or None to
            feed the gradient itself (the paper's quadratics).
        output_scale: Factor on the output (0.1 in the paper's text for MNIST,
            0.01 in the authors' published preset).
        seed: Seed of the untrained meta-parameters.
    """

    hidden_size: int = integer(20, min=1)
    layers: int = integer(2, min=1)
    preprocess: float | None = optional(number(10.0, above=0))
    output_scale: float = number(0.1)
    seed: int = integer(0)

    def fresh_meta_params(self, generator: np.random.Generator) -> MetaParams:
        inputs = 1 if self.preprocess is None else 2
        return stacked_lstm_meta_params(generator, inputs, self.layers, self.hidden_size)

    def slot_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"touched": (), **lstm_slot_shapes(self.layers, self.hidden_size)}

    def coordinate_update(
        self, gradient: Tensor, state: Slots, variable: Tensor, context: Context
    ) -> tuple[Tensor, Slots]:
        del variable, context
        known = touched(gradient, state["touched"])
        if self.preprocess is None:
            features = gradient[None, :]
        else:
            features = log_and_sign(gradient, self.preprocess)
        hidden, state = stacked_lstm_step(features, state, self.meta_params, self.layers)
        output = linear(hidden, self.meta_params["output_kernel"], self.meta_params["output_bias"])
        (update,) = only_where(known, self.output_scale * output[0])
        return update, {**state, "touched": ops.cast(known, gradient.dtype)}
