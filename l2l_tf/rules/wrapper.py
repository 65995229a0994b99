"""Rules that change the updates of another one, whose state and weights are theirs."""

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

    rule: UpdateRule = registry.a_rule("momentum")

    @property
    def coordinatewise(self):
        return self.rule.coordinatewise

    @property
    def supports_jit(self):
        return self.rule.supports_jit

    @property
    def meta_params(self):
        return self.rule.meta_params

    def initial_meta_params(self, seed=None):
        return self.rule.initial_meta_params(seed)

    def bind(self, meta_params):
        return self.copied(rule=self.rule.bind(meta_params))

    def for_steps(self, chunked=False):
        return super().for_steps(chunked).copied(rule=self.rule.for_steps(chunked))

    def laid_out(self, layouts):
        return self.copied(rule=self.rule.laid_out(layouts))

    def init(self, variables, state_dtype=None):
        return self.rule.init(variables, state_dtype)

    def get_config(self):
        return {**super().get_config(), "rule": registry.serialize(self.rule)}
