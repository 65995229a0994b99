"""One rule for convolutions, another for everything else."""

from collections.abc import Mapping
from typing import Self

from l2l_tf.core.config import integer, optional
from l2l_tf.rules import registry
from l2l_tf.rules.base import Context, MetaParams, RuleState, Tensor, Tensors, UpdateRule
from l2l_tf.rules.layout import Layout
from l2l_tf.rules.state import merged, part_of
from l2l_tf.rules.wrapper import Composite

KINDS = ("convolutional", "fully_connected")


@registry.register_rule("partition")
class Partition(Composite):
    """Two rules, each for its own kind of variables: Andrychowicz et al. (2016), section 3.3.

    Variables of rank 4 and above are convolutional, those of rank 2 and 3 are not; a vector
    or scalar (an offset, a scale) goes with the kernel before it in the list of variables, or,
    where there is none, with the one after it.

    Args:
        convolutional: The rule for convolutions: an `UpdateRule`, its description (as
            `serialize` gives it), or a text such as "lstm(hidden_size=20)".
        fully_connected: The rule for all other variables.
        seed: Seed of the untrained meta-parameters of both; None keeps those of the rules given.

    Raises:
        ValueError: If one of them is no rule.
    """

    convolutional: UpdateRule = registry.a_rule("lstm")
    fully_connected: UpdateRule = registry.a_rule("lstm(seed=1)")
    seed: int | None = optional(integer(None))
    parts = KINDS
    layouts = None

    def __post_init__(self):
        super().__post_init__()
        if self.seed is not None:
            vars(self).update(self._bound(self.initial_meta_params()))

    @property
    def meta_params(self) -> Mapping[str, Tensor]:
        return merged(**{kind: rule.meta_params for kind, rule in self.rules.items()})

    def initial_meta_params(self, seed: int | None = None) -> MetaParams:
        seed = self.seed if seed is None else seed
        # The same weights for both would be a coincidence to explain.
        seeds = [None if seed is None else seed + number for number in range(len(KINDS))]
        pairs = zip(self.rules.items(), seeds, strict=True)
        return merged(**{kind: rule.initial_meta_params(s) for (kind, rule), s in pairs})

    def bind(self, meta_params: Mapping[str, Tensor]) -> Self:
        return super().bind(meta_params).copied(**self._bound(meta_params))

    def _bound(self, meta_params):
        return {k: rule.bind(part_of(meta_params, k)) for k, rule in self.rules.items()}

    def laid_out(self, layouts: list[Layout]) -> Self:
        return self.copied(layouts=list(layouts))

    def _rule(self, kind, indices):
        """The rule of a kind, which knows the layouts of its own variables."""
        if self.layouts is None:
            return self.rules[kind]
        return self.rules[kind].laid_out([self.layouts[i] for i in indices])

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        states, shared = [None] * len(variables), {}
        for kind, indices in groups(variables).items():
            rule = self._rule(kind, indices)
            state = rule.init([variables[i] for i in indices], state_dtype)
            _put(states, indices, state.variables)
            shared.update(merged(**{kind: state.shared}))
        return RuleState(states, shared)

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        updates, states, shared = [None] * len(variables), [None] * len(variables), {}
        for kind, indices in groups(variables).items():
            kind_updates, kind_state = self._rule(kind, indices).update(
                [gradients[i] for i in indices],
                RuleState([state.variables[i] for i in indices], part_of(state.shared, kind)),
                [variables[i] for i in indices],
                context,
            )
            _put(updates, indices, kind_updates)
            _put(states, indices, kind_state.variables)
            shared.update(merged(**{kind: kind_state.shared}))
        return updates, RuleState(states, shared)


def groups(variables):
    """Dict kind → indices of the variables of that kind; a kind without any is left out."""
    ranks = [len(v.shape) for v in variables]
    first_kernel = next((rank for rank in ranks if rank >= 2), 2)
    kind, found = _kind(first_kernel), {}
    for index, rank in enumerate(ranks):
        if rank >= 2:
            kind = _kind(rank)
        found.setdefault(kind, []).append(index)
    return found


def _kind(rank):
    return KINDS[0] if rank >= 4 else KINDS[1]


def _put(target, indices, values):
    for index, value in zip(indices, values, strict=True):
        target[index] = value
