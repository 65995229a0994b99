"""What the machine can do, and what it would need for a step of the `lstm` rule."""

import tensorflow as tf

from tools.timing import interleaved

# Forward products of the paper's two layers: [80, 22] and [80, 40] by [·, n], and 20 outputs.
PRODUCTS = ((80, 22), (80, 40))


def rates(count, repeats):
    """Measured rates at `count` coordinates, compiled.

    Returns:
        Dict: `product_{m}x{k}` and its gradients in FLOP/s, `tanh` and `sigmoid` per
        second, `copy` in bytes read and written per second.
    """
    candidates, amounts = {}, {}

    def add(name, function, arguments, amount):
        compiled = tf.function(function, jit_compile=True, autograph=False)
        candidates[name] = lambda: compiled(*arguments)
        amounts[name] = amount

    def normal(*shape):
        return tf.random.stateless_normal(shape, [0, 0])

    for rows, columns in PRODUCTS:
        kernel, features, gates = normal(rows, columns), normal(columns, count), normal(rows, count)
        flop = 2.0 * rows * columns * count
        name = f"product_{rows}x{columns}"
        add(name, tf.matmul, (kernel, features), flop)
        add(
            f"{name}_to_features",
            lambda a, b: tf.matmul(a, b, transpose_a=True),
            (kernel, gates),
            flop,
        )
        add(
            f"{name}_to_kernel",
            lambda a, b: tf.matmul(a, b, transpose_b=True),
            (gates, features),
            flop,
        )
    wide = normal(80, count)
    add("tanh", tf.tanh, (wide,), 80.0 * count)
    add("sigmoid", tf.sigmoid, (wide,), 80.0 * count)
    add("copy", lambda x: x + 1.0, (wide,), 2 * 4 * 80.0 * count)
    seconds = interleaved(candidates, repeats, 0.02)
    return {name: amounts[name] / seconds[name] for name in candidates}


def lstm_step_limit(measured):
    """Seconds per weight of a step of `lstm`: products + activations + traffic, added up.

    6 sigmoids and 4 tanh of 20 cells each; 81 floats of state read and written, the
    gradient read, the variable read and written.

    Args:
        measured: What `rates` returned.
    """
    products = sum(2 * m * k / measured[f"product_{m}x{k}"] for m, k in PRODUCTS)
    activations = 120 / measured["sigmoid"] + 80 / measured["tanh"]
    return products + activations + 4 * (2 * 81 + 3) / measured["copy"]


def lstm_bptt_limit(measured):
    """Seconds per weight and step of a meta-gradient of `lstm`, forward and backward.

    The products of the forward step, those to the features and to the kernel; the
    activations once; states written in the forward and read in the backward pass.

    Args:
        measured: What `rates` returned.
    """
    backward = sum(
        2 * m * k / measured[f"product_{m}x{k}_to_{target}"]
        for m, k in PRODUCTS
        for target in ("features", "kernel")
    )
    return lstm_step_limit(measured) + backward + 4 * 2 * 81 / measured["copy"]
