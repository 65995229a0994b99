"""Optimizers that, like learned ones, claim that nothing needs tuning."""

from keras import ops

from l2l_tf.rules import RuleState, UpdateRule
from l2l_tf.rules.joining import compute_dtype_for, widest_dtype


class DoWG(UpdateRule):
    """Distance over weighted gradients (Khaled, Mishchenko and Jin 2023, algorithm 1).

    `r²ₜ = max(r²ₜ₋₁, ‖xₜ − x₀‖²)`, `vₜ = vₜ₋₁ + r²ₜ‖gₜ‖²`, `update = −r²ₜ/(√vₜ + ε)·gₜ`, with
    norms over all variables.

    Args:
        epsilon: ε, and r² before the first step, as in optax.
    """

    def __init__(self, epsilon=1e-4):
        self.epsilon = epsilon
        self.meta_params = {}

    def init(self, variables, state_dtype=None):
        shared = {"distance": self.epsilon, "weighted": 0.0}
        return _state(variables, ("start",), shared)

    def update(self, gradients, state, variables, context):
        starts = _starts(state, variables, context)
        gradients = [ops.cast(g, s.dtype) for g, s in zip(gradients, starts, strict=True)]
        moved = [ops.cast(v, s.dtype) - s for v, s in zip(variables, starts, strict=True)]
        dtype = widest_dtype(variables)
        distance = ops.maximum(state.shared["distance"], _dot(moved, moved, dtype))
        weighted = state.shared["weighted"] + distance * _dot(gradients, gradients, dtype)
        rate = distance / (ops.sqrt(weighted) + self.epsilon)
        slots = [{"start": start} for start in starts]
        shared = {"distance": distance, "weighted": weighted}
        return [-ops.cast(rate, g.dtype) * g for g in gradients], RuleState(slots, shared)


class Prodigy(UpdateRule):
    """Adam with an estimated distance as step size (Mishchenko and Defazio 2023, algorithm 4).

    With d the estimate, γ = d·√(1 − β₂ᵗ)/(1 − β₁ᵗ) and β₃ = √β₂:
    `m ← β₁m + (1 − β₁)dg`, `v ← β₂v + (1 − β₂)d²g²`, `r ← β₃r + γ(d/d₀)⟨g, x₀ − x⟩`,
    `s ← β₃s + γ(d/d₀)g`, `update = −γm/(√v + dε)`, d ← max(d, r/‖s‖₁). As in optax, the ε
    of the update already has the new d.

    Args:
        first_estimate: d₀.
        beta_1: β₁.
        beta_2: β₂.
        epsilon: ε.
    """

    def __init__(self, first_estimate=1e-6, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.first_estimate = first_estimate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.meta_params = {}

    def init(self, variables, state_dtype=None):
        shared = {"estimate": self.first_estimate, "numerator": 0.0}
        return _state(variables, ("start", "mean", "mean_square", "sum"), shared)

    def update(self, gradients, state, variables, context):
        starts = _starts(state, variables, context)
        gradients = [ops.cast(g, s.dtype) for g, s in zip(gradients, starts, strict=True)]
        moved = [s - ops.cast(v, s.dtype) for v, s in zip(variables, starts, strict=True)]
        dtype = widest_dtype(variables)
        step = ops.cast(context.iteration, dtype) + 1.0
        correction = ops.sqrt(1.0 - ops.power(ops.convert_to_tensor(self.beta_2, dtype), step))
        old = state.shared["estimate"]
        rate = old * correction / (1.0 - ops.power(ops.convert_to_tensor(self.beta_1, dtype), step))
        weight = rate * old / self.first_estimate
        keep = self.beta_2**0.5
        numerator = keep * state.shared["numerator"] + weight * _dot(gradients, moved, dtype)
        slots = [
            {
                "start": start,
                "mean": self.beta_1 * slot["mean"] + ops.cast((1 - self.beta_1) * old, g.dtype) * g,
                "mean_square": self.beta_2 * slot["mean_square"]
                + (1 - self.beta_2) * ops.square(ops.cast(old, g.dtype) * g),
                "sum": keep * slot["sum"] + ops.cast(weight, g.dtype) * g,
            }
            for g, slot, start in zip(gradients, state.variables, starts, strict=True)
        ]
        size = sum(ops.cast(ops.sum(ops.abs(slot["sum"])), dtype) for slot in slots)
        # Without any gradient so far there is nothing to estimate from.
        found = numerator / ops.where(size > 0, size, ops.ones_like(size))
        estimate = ops.maximum(old, ops.where(size > 0, found, old))
        updates = [
            -ops.cast(rate, start.dtype)
            * slot["mean"]
            / (ops.sqrt(slot["mean_square"]) + ops.cast(estimate * self.epsilon, start.dtype))
            for slot, start in zip(slots, starts, strict=True)
        ]
        return updates, RuleState(slots, {"estimate": estimate, "numerator": numerator})


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
