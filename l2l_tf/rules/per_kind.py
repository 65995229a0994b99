"""One rule for convolutions, another for everything else."""

import copy

from l2l_tf.arguments import check_integer
from l2l_tf.rules import registry
from l2l_tf.rules.base import RuleState, UpdateRule

KINDS = ("convolutional", "fully_connected")


@registry.register_rule("per_kind")
class PerKind(UpdateRule):
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

    def __init__(self, convolutional="lstm", fully_connected="lstm(seed=1)", seed=None):
        if seed is not None:
            check_integer("seed", seed, least=0)
        self.rules = {
            kind: registry.as_rule(kind, rule)
            for kind, rule in zip(KINDS, (convolutional, fully_connected), strict=True)
        }
        self.seed = seed
        if seed is not None:
            self.meta_params = self.initial_meta_params()
            return
        self.meta_params = {}
        for kind, rule in self.rules.items():
            self.meta_params.update(_prefixed(kind, rule.meta_params))

    def initial_meta_params(self, seed=None):
        seed, params = self.seed if seed is None else seed, {}
        for number, (kind, rule) in enumerate(self.rules.items()):
            # The same weights for both would be a coincidence to explain.
            arguments = [] if seed is None else [seed + number]
            params.update(_prefixed(kind, rule.initial_meta_params(*arguments)))
        return params

    def for_steps(self, chunked=False):
        made = super().for_steps(chunked)
        made.rules = {kind: rule.for_steps(chunked) for kind, rule in self.rules.items()}
        return made

    def init(self, variables, state_dtype=None):
        states, shared = [None] * len(variables), {}
        for kind, indices in groups(variables).items():
            state = self.rules[kind].init([variables[i] for i in indices], state_dtype)
            _put(states, indices, state.variables)
            shared.update(_prefixed(kind, state.shared))
        return RuleState(states, shared)

    def update(self, gradients, state, variables, context):
        updates, states, shared = [None] * len(variables), [None] * len(variables), {}
        for kind, indices in groups(variables).items():
            rule = copy.copy(self.rules[kind])
            rule.meta_params = _of_kind(kind, self.meta_params)
            kind_updates, kind_state = rule.update(
                [gradients[i] for i in indices],
                RuleState([state.variables[i] for i in indices], _of_kind(kind, state.shared)),
                [variables[i] for i in indices],
                context,
            )
            _put(updates, indices, kind_updates)
            _put(states, indices, kind_state.variables)
            shared.update(_prefixed(kind, kind_state.shared))
        return updates, RuleState(states, shared)

    def get_config(self):
        parts = {kind: registry.serialize(rule) for kind, rule in self.rules.items()}
        return {**parts, "seed": self.seed}


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


def _prefixed(kind, tensors):
    return {f"{kind}_{name}": value for name, value in tensors.items()}


def _of_kind(kind, tensors):
    prefix = f"{kind}_"
    return {n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)}


def _put(target, indices, values):
    for index, value in zip(indices, values, strict=True):
        target[index] = value
