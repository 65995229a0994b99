"""Hand-crafted rules through the learned rules' contract.

They prove the contract (each equals its Keras counterpart), and serve as teachers. Under an
optimizer its learning rate stands in the place of theirs, as it does in Keras.
"""

from keras import ops

from l2l_tf.cells import bias_correction, exponential_mean, root_mean_square
from l2l_tf.core.config import boolean, number
from l2l_tf.rules.base import Context, CoordinatewiseRule, RuleState, Slots, Tensor, Tensors
from l2l_tf.rules.registry import register_rule


@register_rule("sgd")
class SGD(CoordinatewiseRule):
    """Gradient descent: update = −learning_rate · ∇.

    Args:
        learning_rate: Float; Keras's default 0.01.
    """

    learning_rate: float = number(0.01, min=0)
    takes_learning_rate = True
    sees_constraints = False

    def slot_shapes(self) -> dict[str, tuple[int, ...]]:
        return {}

    def coordinate_update(
        self, gradient: Tensor, state: Slots, variable: Tensor, context: Context
    ) -> tuple[Tensor, Slots]:
        del variable, context
        return -ops.cast(self.learning_rate, gradient.dtype) * gradient, state


@register_rule("momentum")
class Momentum(CoordinatewiseRule):
    """Gradient descent with momentum, as `keras.optimizers.SGD(momentum=…)`.

    `v' = momentum · v − learning_rate · ∇`, update = v', or with `nesterov`
    `momentum · v' − learning_rate · ∇`.

    Args:
        learning_rate: Float; Keras's default 0.01.
        momentum: Float in [0, 1).
        nesterov: Whether to take Nesterov's look-ahead step.
    """

    learning_rate: float = number(0.01, min=0)
    momentum: float = number(0.9, min=0, below=1)
    nesterov: bool = boolean(False)
    takes_learning_rate = True
    sees_constraints = False

    def slot_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"momentum": ()}

    def coordinate_update(
        self, gradient: Tensor, state: Slots, variable: Tensor, context: Context
    ) -> tuple[Tensor, Slots]:
        del variable, context
        step = -ops.cast(self.learning_rate, gradient.dtype) * gradient
        velocity = self.momentum * state["momentum"] + step
        update = self.momentum * velocity + step if self.nesterov else velocity
        return update, {"momentum": velocity}


@register_rule("adam")
class Adam(CoordinatewiseRule):
    """Adam of Kingma & Ba (2015), with the ε of `keras.optimizers.Adam`.

    `update = −α_t · m / (√v + ε)`, `α_t = learning_rate · √(1 − β₂ᵗ) / (1 − β₁ᵗ)`.
    The slot is √v, so that no finite gradient overflows.

    Args:
        learning_rate: Float; Keras's default 0.001.
        beta_1: Decay of the gradient's mean.
        beta_2: Decay of the squared gradient's mean.
        epsilon: ε above, added to the *uncorrected* √v as Keras does.
    """

    learning_rate: float = number(0.001, min=0)
    beta_1: float = number(0.9, min=0, below=1)
    beta_2: float = number(0.999, min=0, below=1)
    epsilon: float = number(1e-7, min=0)
    takes_learning_rate = True
    sees_constraints = False

    def slot_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"mean": (), "root_mean_square": ()}

    def coordinate_update(
        self, gradient: Tensor, state: Slots, variable: Tensor, context: Context
    ) -> tuple[Tensor, Slots]:
        del variable
        mean = exponential_mean(state["mean"], gradient, self.beta_1)
        root = root_mean_square(state["root_mean_square"], gradient, self.beta_2)
        dtype = gradient.dtype
        rate = ops.cast(self.learning_rate, dtype)
        rate = rate * bias_correction(self.beta_1, context.iteration, dtype)
        rate = rate / ops.sqrt(bias_correction(self.beta_2, context.iteration, dtype))
        return -rate * mean / (root + self.epsilon), {"mean": mean, "root_mean_square": root}


@register_rule("rprop")
class Rprop(CoordinatewiseRule):
    """Rprop of Riedmiller & Braun (1993), in the variant of `torch.optim.Rprop`.

    `update = −sign(∇) · s`: only the gradient's sign counts. A coordinate's step size s
    grows by η⁺ while the sign stays, and shrinks by η⁻ when it turns; in the step where
    it turns, the coordinate rests and its sign is forgotten.

    Args:
        learning_rate: Float; the first step size (torch's default 0.01), of no effect later.
        eta_minus: Factor below 1 on a change of sign.
        eta_plus: Factor above 1 while the sign stays.
        min_step: Least step size.
        max_step: Greatest step size.
    """

    learning_rate: float = number(0.01, min=0)
    eta_minus: float = number(0.5, above=0, below=1)
    eta_plus: float = number(1.2, above=1)
    min_step: float = number(1e-6, min=0)
    max_step: float = number(50.0, above=0)
    takes_learning_rate = True

    def slot_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"sign": (), "step_size": ()}

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        states = [
            {**state, "step_size": ops.full_like(state["step_size"], self.learning_rate)}
            for state in super().init(variables, state_dtype).variables
        ]
        return RuleState(states, {})

    def coordinate_update(
        self, gradient: Tensor, state: Slots, variable: Tensor, context: Context
    ) -> tuple[Tensor, Slots]:
        del variable, context
        sign = ops.sign(gradient)
        # The sign is kept instead of the gradient: products of gradients overflow.
        agreement = sign * state["sign"]
        size = state["step_size"]
        # Zeros that someone wrote over the state mean a new beginning.
        size = ops.where(size == 0, ops.cast(self.learning_rate, size.dtype), size)
        factor = ops.where(agreement > 0, self.eta_plus, 1.0)
        factor = ops.cast(ops.where(agreement < 0, self.eta_minus, factor), size.dtype)
        size = ops.clip(size * factor, self.min_step, self.max_step)
        sign = ops.where(agreement < 0, ops.zeros_like(sign), sign)
        return -sign * size, {"sign": sign, "step_size": size}
