"""A learned quasi-Newton controller: an LSTM that weighs secant vectors."""

import keras
import numpy as np
from keras import ops

from l2l_tf.cells import linear, linear_meta_params
from l2l_tf.rules.lstm import lstm_slot_shapes, stacked_lstm_meta_params
from l2l_tf.rules.memory.analytic_controllers import step_and_change
from l2l_tf.rules.memory.averaging import averaged_cells, averaging_lstm_step
from l2l_tf.rules.memory.controllers import Controller, Emission, register_controller

# What a write head can emit: e = ŝ − Hŷ, ŝ, (q − 1)ŝ for a; ŝ and e for b.
_A_BASIS, _B_BASIS = 3, 2
# Features of a coordinate, and of all coordinates together.
_LOCAL, _GLOBAL = 5, 4
_MAX_RATIO = 1e6


@register_controller("secant_lstm")
class SecantLSTMController(Controller):
    """Coordinatewise LSTM with averaging cells over scale-free inputs, heads on a basis.

    Neither an LSTM's inputs nor its linear heads span the magnitudes of a converging run,
    and it cannot be expected to divide. So with the step s, the gradient's change y, and
    H = M_t, averages first normalise: `ŝ = s/√(sᵀy)`, `Hŷ = Hy/√(sᵀy)`, and `q = ŷᵀHŷ`. The
    LSTM sees ∇, M∇, s, y, Hy, each divided by its mean magnitude, and q, the angle of s and y,
    and how the gradient's and step's magnitudes changed; it emits numbers, averaged over
    the coordinates, by which write heads combine `e = ŝ − Hŷ`, ŝ and `(q − 1)ŝ` into a, and
    ŝ and e into b. (BFGS is e ŝᵀ + ŝ eᵀ + (q − 1) ŝŝᵀ; DFP and SR1 are within reach too.) None
    of that is set: the numbers start random and small. The untrained rule begins as gradient
    descent with step σ, and what it writes may carry it away later.

    The update is `−e^u H⁺∇ + v s`, u and v learned, H⁺ the matrix with this step's writes.
    It is never more than `growth` times as long (in mean magnitude) as the step before; a
    rule's `update_from` of "read" or "sum" goes past that limit.

    The rule's `preprocess` and `output_scale` have no effect here.

    A pair is not written where sᵀy ≤ 0 or s is lost in the variables' rounding.
    """

    needs_same_step = True
    growth = 10.0

    def __init__(self, options):
        super().__init__(options)
        if options.read_heads not in (1, 2):
            raise ValueError(
                "The secant controller has one or two read heads (∇; ∇ and y). "
                f"Received: read_heads={options.read_heads}"
            )
        self.averaged = averaged_cells(options.averaging_cells, options.layers, options.hidden_size)

    def initial_meta_params(self, generator):
        o = self.options
        params = stacked_lstm_meta_params(generator, _LOCAL + _GLOBAL, o.layers, o.hidden_size, 0.0)
        del params["output_kernel"], params["output_bias"]
        outputs = o.write_heads * (_A_BASIS + _B_BASIS) + 2
        head = linear_meta_params(generator, o.hidden_size, outputs, 0.1)
        bias = generator.normal(0.0, 0.1, (outputs,))
        bias[-2:] = 0.0
        head["bias"] = bias.astype("float32")
        head["kernel"][-2:] = 0.0
        return {**params, **{f"head_{key}": value for key, value in head.items()}}

    def slot_shapes(self):
        shapes = {"previous_gradient": (), "previous_variable": ()}
        if self.options.read_heads == 1:
            shapes["response"] = ()
        return {**shapes, **lstm_slot_shapes(self.options.layers, self.options.hidden_size)}

    def query(self, meta_params, signal):
        del meta_params
        _, change = step_and_change(signal)
        return ops.stack([signal.gradient, change][: self.options.read_heads], axis=0)

    def emit(self, meta_params, signal, reads):
        gradient, slots = signal.gradient, signal.slots
        zeros = ops.zeros_like(gradient)
        s, y = step_and_change(signal)
        response = reads[0]
        if self.options.read_heads == 2:
            hy = reads[1]
        else:
            hy = ops.where(signal.started, response - slots["response"], zeros)
        vectors = ops.stack(
            [gradient, response, s, y, hy, signal.variable, slots["previous_gradient"]], axis=0
        )
        # Magnitudes are means of |·|, not of squares: no overflow from 1e-30 to 1e30.
        sizes = yield ops.abs(vectors)
        unit = vectors[:_LOCAL] / _positive(sizes[:_LOCAL])
        g1, _, s1, y1, h1 = ops.unstack(unit, num=_LOCAL)
        products = yield ops.stack([s1 * y1, y1 * h1, s1 * s1, y1 * y1], axis=0)
        sy, yhy, ss, yy = ops.unstack(products[:, 0], num=4)
        g_size, _, s_size, y_size, h_size, x_size, last_size = ops.unstack(sizes[:, 0], num=7)

        epsilon = 32.0 * np.finfo(keras.backend.standardize_dtype(zeros.dtype)).eps
        cosine = sy / ops.sqrt(_positive(ss * yy))
        valid = ops.logical_and(cosine > 1e-4, s_size > float(epsilon) * x_size)
        valid = ops.logical_and(signal.started, valid)
        sy = ops.where(valid, sy, 1.0)
        ratio = ops.minimum(h_size / _positive(s_size), _MAX_RATIO)
        q = ops.where(valid, ratio * yhy / sy, 0.0)
        count = ops.cast(signal.count, gradient.dtype)
        size = ops.sqrt(s_size) / ops.sqrt(_positive(y_size)) / ops.sqrt(count * sy)
        size = ops.where(valid, size, 0.0)
        s_hat = size * s1
        e = s_hat - size * ratio * h1

        scalars = ops.stack(
            [
                _log(q),
                ops.where(valid, cosine, 0.0),
                _log(ops.where(signal.started, g_size / _positive(last_size), 1.0)),
                ops.tanh(q - 1.0),
            ]
        )
        features = ops.concatenate(
            [ops.tanh(unit), ops.broadcast_to(scalars[:, None], (_GLOBAL, ops.shape(unit)[1]))],
            axis=0,
        )
        hidden, new_slots = yield from averaging_lstm_step(
            features, slots, meta_params, self.options.layers, self.averaged
        )
        emitted = yield linear(hidden, meta_params["head_kernel"], meta_params["head_bias"])
        heads = self.options.write_heads
        weights = ops.reshape(emitted[:-2, 0], (heads, _A_BASIS + _B_BASIS))
        a = ops.matmul(weights[:, :_A_BASIS], ops.stack([e, s_hat, (q - 1.0) * s_hat], axis=0))
        b = ops.matmul(weights[:, _A_BASIS:], ops.stack([s_hat, e], axis=0))

        products = yield b * g1[None]
        response = response + count * g_size * ops.sum(a * products, axis=0)
        update = -ops.exp(emitted[-2, 0]) * response + emitted[-1, 0] * s
        (length,) = ops.unstack((yield ops.abs(update)[None])[:, 0], num=1)
        longest = ops.where(s_size > 0, self.growth * s_size, length)
        update = update * ops.minimum(1.0, longest / _positive(length))
        new_slots.update(previous_gradient=gradient, previous_variable=signal.variable)
        if self.options.read_heads == 1:
            new_slots["response"] = response
        return Emission(update, new_slots, None, a, b)


def _positive(size):
    return ops.where(size > 0, size, ops.ones_like(size))


def _log(ratio):
    """A ratio's logarithm, squashed: −1 … 1 for e^-5 … e^5."""
    return ops.clip(ops.log(ops.maximum(ratio, 1e-6)) / 5.0, -1.0, 1.0)
