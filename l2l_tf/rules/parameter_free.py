"""Hand-crafted rules that estimate their own step size, so that nothing is left to tune."""

from keras import ops

from l2l_tf.cells import root_mean_square
from l2l_tf.core.config import number
from l2l_tf.rules.base import Context, RuleState, Tensors, UpdateRule
from l2l_tf.rules.dtypes import compute_dtype_for, widest_dtype
from l2l_tf.rules.registry import register_rule


@register_rule("dowg")
class DoWG(UpdateRule):
    """Distance over weighted gradients (Khaled, Mishchenko and Jin 2023, algorithm 1).

    `rₜ = max(rₜ₋₁, ‖xₜ − x₀‖)`, `vₜ = vₜ₋₁ + r²ₜ‖gₜ‖²`, `update = −r²ₜ/(√vₜ + ε)·gₜ`, with
    norms over all variables. State: the start, and r and √v for all variables together.

    Args:
        epsilon: ε, and r² before the first step, as in optax.
    """

    epsilon: float = number(1e-4, above=0)

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        shared = {"distance": self.epsilon**0.5, "weighted": 0.0}
        return _state(variables, ("start",), shared)

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        starts = _starts(state, variables, context)
        gradients = [ops.cast(g, s.dtype) for g, s in zip(gradients, starts, strict=True)]
        moved = [ops.cast(v, s.dtype) - s for v, s in zip(variables, starts, strict=True)]
        dtype = widest_dtype(variables)
        distance = ops.maximum(state.shared["distance"], _norm(moved, dtype))
        weighted = _norm([state.shared["weighted"], distance * _norm(gradients, dtype)], dtype)
        # Not distance², which may be beyond float32 where the quotient is not.
        rate = distance / (weighted + self.epsilon) * distance
        slots = [{"start": start} for start in starts]
        shared = {"distance": distance, "weighted": weighted}
        return [-ops.cast(rate, g.dtype) * g for g in gradients], RuleState(slots, shared)


@register_rule("prodigy")
class Prodigy(UpdateRule):
    """Adam with an estimated distance as step size (Mishchenko and Defazio 2023, algorithm 4).

    With d the estimate, γ = d·√(1 − β₂ᵗ)/(1 − β₁ᵗ) and β₃ = √β₂:
    `m ← β₁m + (1 − β₁)dg`, `v ← β₂v + (1 − β₂)d²g²`, `r ← β₃r + γ(d/d₀)⟨g, x₀ − x⟩`,
    `s ← β₃s + γ(d/d₀)g`, `update = −γm/(√v + dε)`, d ← max(d, r/‖s‖₁). As in optax, the ε
    of the update already has the new d. State: x₀, m, √v and s for each coordinate; d and r.

    Args:
        first_estimate: d₀.
        beta_1: β₁ in [0, 1).
        beta_2: β₂ in [0, 1).
        epsilon: ε.
    """

    first_estimate: float = number(1e-6, above=0)
    beta_1: float = number(0.9, min=0, below=1)
    beta_2: float = number(0.999, min=0, below=1)
    epsilon: float = number(1e-8, above=0)

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        shared = {"estimate": self.first_estimate, "numerator": 0.0}
        return _state(variables, ("start", "mean", "root_mean_square", "sum"), shared)

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        starts = _starts(state, variables, context)
        gradients = [ops.cast(g, s.dtype) for g, s in zip(gradients, starts, strict=True)]
        moved = [s - ops.cast(v, s.dtype) for v, s in zip(variables, starts, strict=True)]
        dtype = widest_dtype(variables)
        old = state.shared["estimate"]
        rate = old * self._correction(context, dtype)
        weight = rate * old / self.first_estimate
        slots = [
            self._next(gradient, slot, start, old, weight)
            for gradient, slot, start in zip(gradients, state.variables, starts, strict=True)
        ]
        numerator = self.beta_2**0.5 * state.shared["numerator"]
        numerator = numerator + weight * _dot(gradients, moved, dtype)
        size = sum(ops.cast(ops.sum(ops.abs(slot["sum"])), dtype) for slot in slots)
        # Without any gradient so far there is nothing to estimate from.
        found = numerator / ops.where(size > 0, size, ops.ones_like(size))
        estimate = ops.maximum(old, ops.where(size > 0, found, old))
        updates = [
            -ops.cast(rate, start.dtype)
            * slot["mean"]
            / (slot["root_mean_square"] + ops.cast(estimate * self.epsilon, start.dtype))
            for slot, start in zip(slots, starts, strict=True)
        ]
        return updates, RuleState(slots, {"estimate": estimate, "numerator": numerator})

    def _correction(self, context, dtype):
        """`√(1 − β₂ᵗ)/(1 − β₁ᵗ)`."""
        step = ops.cast(context.iteration, dtype) + 1.0
        first, second = (
            1.0 - ops.power(ops.convert_to_tensor(beta, dtype), step)
            for beta in (self.beta_1, self.beta_2)
        )
        return ops.sqrt(second) / first

    def _next(self, gradient, slot, start, estimate, weight):
        """A variable's slots after this gradient."""
        scaled = ops.cast(estimate, gradient.dtype) * gradient
        return {
            "start": start,
            "mean": self.beta_1 * slot["mean"] + (1 - self.beta_1) * scaled,
            "root_mean_square": root_mean_square(slot["root_mean_square"], scaled, self.beta_2),
            "sum": self.beta_2**0.5 * slot["sum"] + ops.cast(weight, gradient.dtype) * gradient,
        }


def _state(variables, names, shared):
    """Zeros in the shape of each variable, and shared scalars."""
    slots = [
        {name: ops.zeros(tuple(v.shape), compute_dtype_for(v)) for name in names} for v in variables
    ]
    dtype = widest_dtype(variables)
    scalars = {k: ops.convert_to_tensor(value, dtype) for k, value in shared.items()}
    return RuleState(slots, scalars)


def _starts(state, variables, context):
    """The variables before the first step, which slots cannot know earlier."""
    first = ops.equal(ops.cast(context.iteration, "int32"), 0)
    return [
        ops.where(first, ops.cast(variable, slots["start"].dtype), slots["start"])
        for variable, slots in zip(variables, state.variables, strict=True)
    ]


def _dot(left, right, dtype):
    return sum(ops.cast(ops.sum(a * b), dtype) for a, b in zip(left, right, strict=True))


def _norm(tensors, dtype):
    """Euclidean norm over all tensors; squares are taken of shares of the largest entry."""
    tensors = [t for t in tensors if 0 not in t.shape]
    if not tensors:
        return ops.zeros([], dtype)
    largest = [ops.cast(ops.max(ops.abs(t)), dtype) for t in tensors]
    largest = ops.max(ops.stack(largest))
    scale = ops.where(largest > 0, largest, ops.ones_like(largest))
    squares = [ops.cast(ops.sum(ops.square(t / ops.cast(scale, t.dtype))), dtype) for t in tensors]
    return scale * ops.sqrt(sum(squares))
