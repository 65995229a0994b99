"""RNNprop: a coordinatewise LSTM over scale-invariant inputs."""

import numpy as np
from keras import ops

from l2l_tf.cells import (
    bias_correction,
    exponential_mean,
    linear,
    linear_meta_params,
    only_where,
    root_mean_square,
    stacked_lstm_step,
)
from l2l_tf.core.config import integer, number
from l2l_tf.rules.base import Context, CoordinatewiseRule, MetaParams, Slots, Tensor
from l2l_tf.rules.lstm import lstm_slot_shapes, stacked_lstm_meta_params
from l2l_tf.rules.registry import register_rule


@register_rule("rnnprop")
class RNNProp(CoordinatewiseRule):
    """RNNprop of Lv, Jiang & Li (2017), arXiv 1703.03633.

    With m̂ and √v̂ the bias-corrected means of the gradient and of its square, the
    inputs are `m̂/√v̂` and `∇/√v̂`; through a fully connected layer with ELU and
    stacked LSTMs, the update is `step_size · tanh(w · h + b)`. Scaling a loss by
    any constant leaves the updates as they are. Where no gradient but zero came, there is none.

    82 floats of state per coordinate with the defaults.

    Args:
        hidden_size: Cells per LSTM layer and units of the first layer (paper: 20).
        layers: LSTM layers (paper: 2).
        beta_1: Decay of the gradient's mean (paper: 0.95).
        beta_2: Decay of the squared gradient's mean (paper: 0.95).
        step_size: Bound of the update of one coordinate (paper: 0.1).
        seed: Seed of the untrained meta-parameters.
    """

    hidden_size: int = integer(20, min=1)
    layers: int = integer(2, min=1)
    beta_1: float = number(0.95, min=0, below=1)
    beta_2: float = number(0.95, min=0, below=1)
    step_size: float = number(0.1, above=0)
    seed: int = integer(0)

    def fresh_meta_params(self, generator: np.random.Generator) -> MetaParams:
        params = {
            f"input_{key}": value
            for key, value in linear_meta_params(generator, 2, self.hidden_size).items()
        }
        params.update(
            stacked_lstm_meta_params(generator, self.hidden_size, self.layers, self.hidden_size)
        )
        return params

    def slot_shapes(self) -> dict[str, tuple[int, ...]]:
        return {
            "mean": (),
            "root_mean_square": (),
            **lstm_slot_shapes(self.layers, self.hidden_size),
        }

    def coordinate_update(
        self, gradient: Tensor, state: Slots, variable: Tensor, context: Context
    ) -> tuple[Tensor, Slots]:
        del variable
        mean = exponential_mean(state["mean"], gradient, self.beta_1)
        root = root_mean_square(state["root_mean_square"], gradient, self.beta_2)
        dtype = gradient.dtype
        mean_hat = mean * bias_correction(self.beta_1, context.iteration, dtype)
        root_hat = root * ops.sqrt(bias_correction(self.beta_2, context.iteration, dtype))
        positive = root_hat > 0
        scale = ops.where(positive, root_hat, ops.ones_like(root_hat))
        features = ops.stack([mean_hat / scale, gradient / scale], axis=0)
        features = ops.elu(
            linear(features, self.meta_params["input_kernel"], self.meta_params["input_bias"])
        )
        hidden, new_state = stacked_lstm_step(features, state, self.meta_params, self.layers)
        output = linear(hidden, self.meta_params["output_kernel"], self.meta_params["output_bias"])
        new_state.update(mean=mean, root_mean_square=root)
        (update,) = only_where(positive, self.step_size * ops.tanh(output[0]))
        return update, new_state
