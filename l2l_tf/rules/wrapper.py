"""Rules that are made of other rules."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from l2l_tf.core.config import integer, optional
from l2l_tf.rules import registry
from l2l_tf.rules.base import MetaParams, RuleState, Tensor, Tensors, UpdateRule
from l2l_tf.rules.layout import Layout


class Composite(UpdateRule):
    """Base class of rules made of other rules, to which it hands on whatever a rule is told.

    A subclass names them in `parts`, and implements `init`, `update`, and `bind` and `meta_params`
    if they have weights. One that gives a part some of the variables only overrides `laid_out`.

    Attributes:
        parts: Names of the attributes that hold the rules.
    """

    parts: ClassVar[tuple[str, ...]] = ()

    @property
    def rules(self) -> dict[str, UpdateRule]:
        """Dict part → its rule."""
        return {part: getattr(self, part) for part in self.parts}

    @property
    def supports_jit(self) -> bool:
        return all(rule.supports_jit for rule in self.rules.values())

    @property
    def sees_constraints(self) -> bool:
        # All of them get one gradient; those that equal Keras's optimizers do so by themselves.
        return any(rule.sees_constraints for rule in self.rules.values())

    def for_steps(self, chunked: bool = False) -> Self:
        parts = {part: rule.for_steps(chunked) for part, rule in self.rules.items()}
        return super().for_steps(chunked).copied(**parts)

    def laid_out(self, layouts: list[Layout]) -> Self:
        return self.copied(**{part: rule.laid_out(layouts) for part, rule in self.rules.items()})

    def get_config(self) -> dict[str, Any]:
        parts = {part: registry.serialize(rule) for part, rule in self.rules.items()}
        return {**super().get_config(), **parts}


class Wrapper(Composite):
    """Base class of rules that change the updates of another one; a subclass implements `update`.

    State and weights are the other rule's.

    Args:
        inner: An `UpdateRule`, its description (as `serialize` gives it), or a text such as
            "momentum(learning_rate=0.1)".

    Raises:
        ValueError: If `inner` is no rule.
    """

    inner: UpdateRule = registry.a_rule("momentum")
    parts = ("inner",)

    @property
    def coordinatewise(self) -> bool:
        return self.inner.coordinatewise

    @property
    def meta_params(self) -> Mapping[str, Tensor]:
        return self.inner.meta_params

    def initial_meta_params(self, seed: int | None = None) -> MetaParams:
        return self.inner.initial_meta_params(seed)

    def bind(self, meta_params: Mapping[str, Tensor]) -> Self:
        return self.copied(inner=self.inner.bind(meta_params))

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        return self.inner.init(variables, state_dtype)


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

    def initial_meta_params(self, seed: int | None = None) -> MetaParams:
        return self.inner.initial_meta_params(self.seed if seed is None else seed)
