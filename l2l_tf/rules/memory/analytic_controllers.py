"""Analytic controllers: written by hand, to prove what averages and a memory suffice for.

An LSTM cannot be set by hand to divide; a function of the gradient, the read and averages
in its place shows that the heads, the averaging cells and the memory can express gradient
clipping and quasi-Newton methods exactly.
"""

from keras import ops

from l2l_tf.rules.memory.controllers import Controller, Emission, register_controller


@register_controller("l2_clipping")
class L2Clipping(Controller):
    """`−∇ · min(1, output_scale / ‖∇‖)` over all coordinates, ‖∇‖² = n · mean(∇²).

    The mean of ∇² is what one global averaging cell emits.
    """

    has_memory_heads = False

    def emit(self, meta_params, signal, reads):
        del meta_params, reads
        gradient = signal.gradient
        mean_square = yield ops.square(gradient)[None]
        norm = ops.sqrt(ops.cast(signal.count, gradient.dtype) * mean_square[0])
        bound = self.options.output_scale
        factor = ops.where(norm > bound, bound / ops.where(norm > 0, norm, 1.0), 1.0)
        return Emission(-gradient * factor, signal.slots)


@register_controller("bfgs")
class BFGS(Controller):
    """The inverse BFGS update through one read head, three write heads and averages.

    The update is the direction `−H_t ∇_t`, to be multiplied by a step length (the
    optimizer's learning rate). With the step s and the gradient's change y since the last
    update, and H = M_t (the matrix before it knows of s and y):

        H⁺ = H + (1 + yᵀHy / sᵀy) ssᵀ / sᵀy − (Hy sᵀ + s yᵀH) / sᵀy

    r = ∇_t is read, and `Hy = M_t ∇_t − M_t ∇_{t−1}` where the second term was last step's
    direction. Two averages, of y·Hy and s·y, give the writes; two more, of s·∇ and Hy·∇,
    give `H⁺∇ = M_t ∇ + Σ a (b·∇)`, so that the direction uses the matrix just updated. A
    pair with sᵀy ≤ 0 is not written. With a second read head y is read by itself, which
    is exact too when the memory dropped a write since.

    Nocedal & Wright (2006), equation 6.17; Andrychowicz et al. (2016), appendix.
    """

    needs_same_step = True

    def __init__(self, options):
        super().__init__(options)
        if options.write_heads != 3 or options.read_heads not in (1, 2):
            raise ValueError(
                "BFGS needs three write heads and one or two read heads. "
                f"Received: write_heads={options.write_heads}, read_heads={options.read_heads}"
            )

    def slot_shapes(self):
        return {"previous_gradient": (), "previous_variable": (), "response": ()}

    def query(self, meta_params, signal):
        del meta_params
        _, change = step_and_change(signal)
        return ops.stack([signal.gradient, change][: self.options.read_heads], axis=0)

    def _memory_of_gradient_and_change(self, signal, change, reads):
        """`(M ∇, M y)`."""
        if self.options.read_heads == 2:
            return reads[0], reads[1]
        last = ops.where(signal.started, signal.slots["response"], ops.zeros_like(change))
        return reads[0], reads[0] - last

    def emit(self, meta_params, signal, reads):
        del meta_params
        gradient = signal.gradient
        s, y = step_and_change(signal)
        response, hy = self._memory_of_gradient_and_change(signal, y, reads)
        means = yield ops.stack([y * hy, s * y, s * gradient, hy * gradient], axis=0)
        yhy, sy, sg, hyg = ops.unstack(ops.cast(signal.count, gradient.dtype) * means[:, 0], num=4)
        valid = ops.logical_and(signal.started, sy > 0)
        inverse = ops.where(valid, 1.0 / ops.where(valid, sy, 1.0), 0.0)
        a = inverse * ops.stack([(1.0 + yhy * inverse) * s, -hy, -s], axis=0)
        b = ops.stack([s, s, hy], axis=0)
        products = ops.stack([sg, sg, hyg])
        response = response + ops.sum(a * products[:, None], axis=0)
        slots = {
            "previous_gradient": gradient,
            "previous_variable": signal.variable,
            "response": response,
        }
        return Emission(-response, slots, None, a, b)


@register_controller("memoryless_bfgs")
class MemorylessBFGS(BFGS):
    """BFGS from σ I at every step with the last pair alone: L-BFGS with one pair.

    With `window=1` the memory of `ntm_lbfgs` is this H after every step: the case of
    Nocedal's two-loop recursion that a memory of independent writes can hold.
    """

    def _memory_of_gradient_and_change(self, signal, change, reads):
        scale = self.options.memory_scale
        return scale * signal.gradient, scale * change


def step_and_change(signal):
    """`(s, y)`: the variable's and the gradient's change since the last step, or zeros."""
    s = signal.variable - signal.slots["previous_variable"]
    y = signal.gradient - signal.slots["previous_gradient"]
    zeros = ops.zeros_like(s)
    return ops.where(signal.started, s, zeros), ops.where(signal.started, y, zeros)
