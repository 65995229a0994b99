"""Coordinatewise LSTM: one small LSTM applied to every coordinate.

Hochreiter & Schmidhuber (1997), in the form used by Andrychowicz et al. (2016).
"""

import numpy as np
from keras import ops


def lstm_meta_params(generator, inputs, hidden, forget_bias=1.0):
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


def lstm_step(inputs, hidden_state, cell_state, kernel, bias):
    """One step of an LSTM for `n` coordinates at once.

    `[i, f, g, o] = kernel · [x; h] + bias`,
    `c' = σ(f)·c + σ(i)·tanh(g)`, `h' = σ(o)·tanh(c')`.

    Args:
        inputs: `[inputs, n]`.
        hidden_state: `[hidden, n]`.
        cell_state: `[hidden, n]`.
        kernel: `[4·hidden, inputs + hidden]`.
        bias: `[4·hidden]`.

    Returns:
        `(hidden_state, cell_state)` after the step, each `[hidden, n]`.
    """
    gates = ops.matmul(kernel, ops.concatenate([inputs, hidden_state], axis=0))
    gates = gates + bias[:, None]
    size = hidden_state.shape[0]
    input_gate = ops.sigmoid(gates[:size])
    forget_gate = ops.sigmoid(gates[size : 2 * size])
    candidate = ops.tanh(gates[2 * size : 3 * size])
    output_gate = ops.sigmoid(gates[3 * size :])
    cell_state = forget_gate * cell_state + input_gate * candidate
    return output_gate * ops.tanh(cell_state), cell_state


def stacked_lstm_step(inputs, state, meta_params, layers):
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
        name = f"lstm_{layer}"
        features, cell = lstm_step(
            features,
            state[f"{name}_hidden"],
            state[f"{name}_cell"],
            meta_params[f"{name}_kernel"],
            meta_params[f"{name}_bias"],
        )
        new_state[f"{name}_hidden"], new_state[f"{name}_cell"] = features, cell
    return features, new_state
