"""A learned schedule: one LSTM per variable that says how large its steps are.

Metz et al. (2022), arXiv 2211.09760; in Celo's form, arXiv 2501.12670.
"""

from keras import ops

from l2l_tf.cells.linear import linear, linear_meta_params
from l2l_tf.cells.lstm import lstm_meta_params, lstm_step


def scheduler_meta_params(generator, inputs, hidden, output_scale=0.1):
    """Untrained meta-parameters of `scheduler_step`.

    Args:
        generator: `numpy.random.Generator`.
        inputs: Number of input features per variable.
        hidden: Cells of the LSTM.
        output_scale: Scale of the output kernel; small, so that meta-training starts from
            a nearly constant schedule.

    Returns:
        Dict name → float32 array; the initial LSTM state is part of it.
    """
    params = {}
    for name in ("mixture", "input"):
        for key, value in linear_meta_params(generator, inputs, hidden).items():
            params[f"scheduler_{name}_{key}"] = value
    for key, value in lstm_meta_params(generator, hidden, hidden).items():
        params[f"scheduler_lstm_{key}"] = value
    for key, value in linear_meta_params(generator, hidden, 1, output_scale).items():
        params[f"scheduler_output_{key}"] = value
    for key in ("hidden", "cell"):
        params[f"scheduler_initial_{key}"] = generator.normal(0.0, 0.1, hidden).astype("float32")
    return params


def scheduler_step(features, hidden_state, cell_state, meta_params):
    """One step of the scheduler for `n` variables.

    `x' = A·x + a + max over variables of ReLU(B·x + b)`, `[h, c] = LSTM(x', h, c)`,
    output `w·h + w0`.

    Args:
        features: `[inputs, n]`.
        hidden_state: `[hidden, n]`.
        cell_state: `[hidden, n]`.
        meta_params: See `scheduler_meta_params`.

    Returns:
        `(output [n], hidden_state, cell_state)`.
    """
    p = {k: meta_params[f"scheduler_{k}"] for k in _NAMES}
    mixture = ops.relu(linear(features, p["mixture_kernel"], p["mixture_bias"]))
    mixed = linear(features, p["input_kernel"], p["input_bias"])
    mixed = mixed + ops.max(mixture, axis=-1, keepdims=True)
    hidden_state, cell_state = lstm_step(
        mixed, hidden_state, cell_state, p["lstm_kernel"], p["lstm_bias"]
    )
    output = linear(hidden_state, p["output_kernel"], p["output_bias"])
    return output[0], hidden_state, cell_state


_NAMES = [f"{a}_{b}" for a in ("mixture", "input", "lstm", "output") for b in ("kernel", "bias")]
