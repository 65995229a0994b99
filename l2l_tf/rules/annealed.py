"""A rule whose steps grow shorter along a run of known length."""

import math

from keras import ops

from l2l_tf.cells import fraction_done
from l2l_tf.core.config import number
from l2l_tf.rules import registry
from l2l_tf.rules.base import Context, RuleState, Tensors
from l2l_tf.rules.wrapper import Wrapper


@registry.register_rule("annealed")
class Annealed(Wrapper):
    """Another rule's updates times a cosine from 1 to `final` at the end of the run.

    `update = u · (final + (1 − final) · (1 + cos(π · min(t / total_steps, 1))) / 2)`, u the other
    rule's update and t the steps of this run before it; `update = u` where `total_steps` is
    unknown. The schedule is that of Loshchilov & Hutter (2017), "SGDR", without restarts.

    Args:
        inner: An `UpdateRule`, its description (as `serialize` gives it), or a text such as
            "momentum(learning_rate=0.1)".
        final: Factor at the end, in [0, 1].

    Raises:
        ValueError: If `inner` is no rule, or `final` is out of range.
    """

    final: float = number(0.01, min=0, max=1)

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        updates, state = self.inner.update(gradients, state, variables, context)
        # A run of unknown length stays at its beginning.
        done = fraction_done(context.run_iteration, context.total_steps, 1, 0.0)
        turned = 0.5 * (1.0 - ops.cos(math.pi * ops.minimum(done, 1.0)))
        factor = 1.0 - (1.0 - self.final) * turned
        return [u * ops.cast(factor, u.dtype) for u in updates], state
