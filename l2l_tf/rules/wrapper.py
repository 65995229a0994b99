"""Rules that change the updates of another one, whose state and weights are theirs."""

from l2l_tf.core.config import integer, optional
from l2l_tf.rules import registry
from l2l_tf.rules.base import UpdateRule


class Wrapper(UpdateRule):
    """Base class of rules around another rule; a subclass implements `update`.

    Args:
        inner: An `UpdateRule`, its description (as `serialize` gives it), or a text such as
            "momentum(learning_rate=0.1)".

    Raises:
        ValueError: If `inner` is no rule.
    """

    inner: UpdateRule = registry.a_rule("momentum")

    @property
    def coordinatewise(self):
        return self.inner.coordinatewise

    @property
    def supports_jit(self):
        return self.inner.supports_jit

    @property
    def sees_constraints(self):
        return self.inner.sees_constraints

    @property
    def meta_params(self):
        return self.inner.meta_params

    def initial_meta_params(self, seed=None):
        return self.inner.initial_meta_params(seed)

    def bind(self, meta_params):
        return self.copied(inner=self.inner.bind(meta_params))

    def for_steps(self, chunked=False):
        return super().for_steps(chunked).copied(inner=self.inner.for_steps(chunked))

    def laid_out(self, layouts):
        return self.copied(inner=self.inner.laid_out(layouts))

    def init(self, variables, state_dtype=None):
        return self.inner.init(variables, state_dtype)

    def get_config(self):
        return {**super().get_config(), "inner": registry.serialize(self.inner)}


class SeededWrapper(Wrapper, kw_only=True, inner="lstm"):
    """Base class of rules around a rule that learns, whose untrained weights have a seed here.

    Args:
        inner: See `Wrapper`.
        seed: Seed of the untrained meta-parameters; None keeps those of the rule given.
    """

    seed: int | None = optional(integer(None))

    def __post_init__(self):
        super().__post_init__()
        if self.seed is not None:
            weights = self.inner.initial_meta_params(self.seed)
            vars(self)["inner"] = self.inner.bind(weights)

    def initial_meta_params(self, seed=None):
        return self.inner.initial_meta_params(self.seed if seed is None else seed)
