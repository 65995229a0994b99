"""A rule whose steps grow shorter along a run of known length."""

import copy
import math

from keras import ops

from l2l_tf.arguments import check_number
from l2l_tf.cells import fraction_done
from l2l_tf.rules import registry
from l2l_tf.rules.base import UpdateRule


@registry.register_rule("annealed")
class Annealed(UpdateRule):
    """Another rule's updates times a cosine from 1 to `final` at the end of the run.

    `update = u · (final + (1 − final) · (1 + cos(π · min(t / total_steps, 1))) / 2)`, u the other
    rule's update and t the steps of this run before it; `update = u` where `total_steps` is
    unknown. The schedule is that of Loshchilov & Hutter (2017), "SGDR", without restarts.

    Args:
        rule: An `UpdateRule`, its description (as `serialize` gives it), or a text such as
            "momentum(learning_rate=0.1)".
        final: Factor at the end, in [0, 1].

    Raises:
        ValueError: If `rule` is no rule, or `final` is out of range.
    """

    def __init__(self, rule="momentum", final=0.01):
        check_number("final", final, least=0)
        if final > 1:
            raise ValueError(f"`final` is at most 1. Received: final={final}")
        self.rule = registry.as_rule("rule", rule)
        self.final = final
        self.coordinatewise = self.rule.coordinatewise
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

    def init(self, variables, state_dtype=None):
        return self.rule.init(variables, state_dtype)

    def update(self, gradients, state, variables, context):
        updates, state = self.rule.update(gradients, state, variables, context)
        # A run of unknown length stays at its beginning.
        done = fraction_done(context.run_iteration, context.total_steps, 1, 0.0)
        turned = 0.5 * (1.0 - ops.cos(math.pi * ops.minimum(done, 1.0)))
        factor = 1.0 - (1.0 - self.final) * turned
        return [u * ops.cast(factor, u.dtype) for u in updates], state

    def get_config(self):
        return {"rule": registry.serialize(self.rule), "final": self.final}
