"""Coordinatewise LSTM: one small LSTM applied to every coordinate.

Hochreiter & Schmidhuber (1997), in the form used by Andrychowicz et al. (2016).
"""

from typing import Any

import numpy as np
from keras import ops

from l2l_tf.cells.written_gradients import upstream_of, with_written_gradient


def lstm_meta_params(
    generator: np.random.Generator, inputs: int, hidden: int, forget_bias: float = 1.0
) -> dict[str, np.ndarray]:
    """Initial `kernel` `[4·hidden, inputs + hidden]` and `bias` `[4·hidden]`.

    Gates are ordered input, forget, candidate, output. The kernel is Glorot
    uniform in each of its two parts; the forget gate's bias starts at
    `forget_bias`.

    Args:
        generator: `numpy.random.Generator`.
        inputs: Number of input features.
        hidden: Number of cells.
        forget_bias: Initial bias of the forget gate.

    Returns:
        Dict with float32 arrays `"kernel"` and `"bias"`.
    """
    limit_in = (6.0 / (inputs + hidden)) ** 0.5
    limit_rec = (3.0 / hidden) ** 0.5
    kernel = np.concatenate(
        [
            generator.uniform(-limit_in, limit_in, (4 * hidden, inputs)),
            generator.uniform(-limit_rec, limit_rec, (4 * hidden, hidden)),
        ],
        axis=1,
    )
    bias = np.zeros((4 * hidden,))
    bias[hidden : 2 * hidden] = forget_bias
    return {"kernel": kernel.astype("float32"), "bias": bias.astype("float32")}


def lstm_step(
    inputs: Any, hidden_state: Any, cell_state: Any, kernel: Any, bias: Any
) -> tuple[Any, Any]:
    """One step of an LSTM for `n` coordinates at once.

    `[i, f, g, o] = kernel · [x; h] + bias`,
    `c' = σ(f)·c + σ(i)·tanh(g)`, `h' = σ(o)·tanh(c')`.

    Its gradient is written out: the four gates' gradients meet in one product each for
    the inputs, and for kernel and bias together.

    Args:
        inputs: `[inputs, n]`.
        hidden_state: `[hidden, n]`.
        cell_state: `[hidden, n]`.
        kernel: `[4·hidden, inputs + hidden]`.
        bias: `[4·hidden]`.

    Returns:
        `(hidden_state, cell_state)` after the step, each `[hidden, n]`.
    """
    return with_written_gradient(_lstm_step, inputs, hidden_state, cell_state, kernel, bias)


def _lstm_step(inputs, hidden_state, cell_state, kernel, bias):
    """`lstm_step`'s result, and its gradient as a function of what comes from above."""
    gates = ops.matmul(kernel, ops.concatenate([inputs, hidden_state], axis=0))
    gates = gates + bias[:, None]
    size = hidden_state.shape[0]
    i = ops.sigmoid(gates[:size])
    f = ops.sigmoid(gates[size : 2 * size])
    g = ops.tanh(gates[2 * size : 3 * size])
    o = ops.sigmoid(gates[3 * size :])
    new_cell_state = f * cell_state + i * g
    squashed = ops.tanh(new_cell_state)
    new_hidden_state = o * squashed

    def gradient(*upstream):
        d_hidden, d_cell = upstream_of(2, upstream)
        d_cell = d_cell + d_hidden * (o * (1 - squashed * squashed))
        d_gates = ops.concatenate(
            [
                d_cell * (g * i * (1 - i)),
                d_cell * (cell_state * f * (1 - f)),
                d_cell * (i * (1 - g * g)),
                d_hidden * (new_hidden_state * (1 - o)),
            ],
            axis=0,
        )
        d_features = ops.matmul(ops.transpose(kernel), d_gates)
        # A row of ones: the bias is one more column of the kernel.
        features = ops.concatenate([inputs, hidden_state, ops.ones_like(hidden_state[:1])], axis=0)
        d_weights = ops.matmul(d_gates, ops.transpose(features))
        width = inputs.shape[0]
        return (
            d_features[:width],
            d_features[width:],
            d_cell * f,
            d_weights[:, :-1],
            d_weights[:, -1],
        )

    return (new_hidden_state, new_cell_state), gradient


def lstm_layer_step(
    inputs: Any, state: dict[str, Any], meta_params: dict[str, Any], layer: int
) -> tuple[Any, Any]:
    """`lstm_step` of one of several layers.

    Args:
        inputs: `[inputs, n]`.
        state: Dict with `lstm_{l}_hidden` and `lstm_{l}_cell`, each `[hidden, n]`.
        meta_params: Dict with `lstm_{l}_kernel` and `lstm_{l}_bias`.
        layer: Its number l.

    Returns:
        `(hidden, cell)`, each `[hidden, n]`.
    """
    name = f"lstm_{layer}"
    return lstm_step(
        inputs,
        state[f"{name}_hidden"],
        state[f"{name}_cell"],
        meta_params[f"{name}_kernel"],
        meta_params[f"{name}_bias"],
    )


def stacked_lstm_step(
    inputs: Any, state: dict[str, Any], meta_params: dict[str, Any], layers: int
) -> tuple[Any, dict[str, Any]]:
    """One step through `layers` LSTMs, each fed with the hidden state below it.

    Args:
        inputs: `[inputs, n]`.
        state: Dict with `lstm_{l}_hidden` and `lstm_{l}_cell`, each `[hidden, n]`.
        meta_params: Dict with `lstm_{l}_kernel` and `lstm_{l}_bias`.
        layers: Number of layers.

    Returns:
        `(features, state)`: the last layer's hidden state `[hidden, n]`, and the
        new values of the state's entries named above.
    """
    features, new_state = inputs, {}
    for layer in range(layers):
        features, cell = lstm_layer_step(features, state, meta_params, layer)
        new_state[f"lstm_{layer}_hidden"], new_state[f"lstm_{layer}_cell"] = features, cell
    return features, new_state
