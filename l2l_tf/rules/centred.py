"""A rule whose updates shift no unit's inputs together."""

from keras import ops

from l2l_tf.rules import registry
from l2l_tf.rules.base import Context, RuleState, Tensors
from l2l_tf.rules.wrapper import SeededWrapper


@registry.register_rule("centred")
class Centred(SeededWrapper):
    """Another rule's updates less their mean over the inputs of each unit.

    Of a kernel `[…, units]` the update's mean over all axes but the last is taken away; vectors
    and scalars (offsets, scales) keep theirs. A coordinatewise network is no odd function of the
    gradient, so its updates share a part that is alike for all coordinates. However small, it
    adds up over a unit's inputs, which after a ReLU are all positive: pre-activations drift.
    Batch normalization hides that from a batch, but its moving statistics lag behind. Gradient
    centralization (Yong et al. 2020, "Gradient centralization: a new optimization technique for
    deep neural networks") takes the same mean away, from the gradients. A coordinate whose update
    is exactly zero, such as one under a mask, stays.

    Args:
        inner: An `UpdateRule`, its description (as `serialize` gives it), or a text such as
            "partition".
        seed: Seed of the untrained meta-parameters; None keeps those of the rule given.

    Raises:
        ValueError: If `inner` is no rule.
    """

    coordinatewise = False

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        updates, state = self.inner.update(gradients, state, variables, context)
        return [_centred(u) for u in updates], state


def _centred(update):
    rank = len(update.shape)
    if rank < 2:
        return update
    moved = ops.not_equal(update, 0.0)
    mean = ops.mean(update, axis=tuple(range(rank - 1)), keepdims=True)
    return ops.where(moved, update - mean, update)
