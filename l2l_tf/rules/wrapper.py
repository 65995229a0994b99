"""Rules that change the updates of another one, whose state and weights are theirs."""

import copy

from l2l_tf.rules import registry
from l2l_tf.rules.base import UpdateRule


class Wrapper(UpdateRule):
    """Base class of rules around another rule; a subclass implements `update`.

    Args:
        rule: An `UpdateRule`, its description (as `serialize` gives it), or a text such as
            "momentum(learning_rate=0.1)".

    Raises:
        ValueError: If `rule` is no rule.
    """

    def __init__(self, rule):
        self.rule = registry.as_rule("rule", rule)
        self.coordinatewise = self.rule.coordinatewise
        self.supports_jit = self.rule.supports_jit
        self.meta_params = self.rule.meta_params

    def initial_meta_params(self, *seed):
        return self.rule.initial_meta_params(*seed)

    def bind(self, meta_params):
        bound = copy.copy(self)
        bound.rule = self.rule.bind(meta_params)
        bound.meta_params = bound.rule.meta_params
        return bound

    def for_steps(self, chunked=False):
        made = super().for_steps(chunked)
        made.rule = self.rule.for_steps(chunked)
        return made

    def laid_out(self, layouts):
        made = copy.copy(self)
        made.rule = self.rule.laid_out(layouts)
        return made

    def init(self, variables, state_dtype=None):
        return self.rule.init(variables, state_dtype)

    def get_config(self):
        return {**super().get_config(), "rule": registry.serialize(self.rule)}
