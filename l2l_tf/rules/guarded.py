"""A rule that hands over to a hand-crafted one while it makes the loss worse."""

from keras import ops

from l2l_tf.cells.run_signals import (
    LOSS_DECAYS,
    corrected_means,
    corrected_noise,
    loss_signals,
    loss_state,
)
from l2l_tf.core.config import integer, number
from l2l_tf.rules import registry
from l2l_tf.rules.base import Context, RuleState, Tensors, UpdateRule
from l2l_tf.rules.state import merged, merged_states, part_of, state_of
from l2l_tf.rules.wrapper import SeededWrapper

_MEAN = LOSS_DECAYS.index(0.9)
# Of the fall, or of half of the first loss: so far above the lowest mean a loss has exploded.
BLOWN = 4.0


@registry.register_rule("guarded")
class Guarded(SeededWrapper, inner="spectral"):
    """A learned rule under guard: a safe rule takes over while the loss is worse than it was.

    Loss-guarded learning to optimize (Premont-Schwarz et al. 2022, "A simple guard for learned
    optimizers", arXiv 2201.12426) compares what a learned and a hand-crafted update lead to and
    takes the better one, for one more evaluation of the loss. Here only the loss of each step is
    known, so its mean over some ten steps is compared with the lowest such mean so far. The
    `fallback` takes the next `patience` steps where the mean has risen above that by more than
    `tolerance` of what the loss has fallen since the beginning and by three times its usual noise,
    or where a single loss is far above all before it. Then the other rule gets another try, and
    each time that fails the fallback's turn is twice as long. Both rules see all
    gradients, so that each takes over with its means as they should be. Without the loss the
    learned rule takes all steps.

    Costs the fallback's state and its step: with `adam` 8 bytes per coordinate.

    Args:
        inner: The rule under guard, its description (as `serialize` gives it), or a text.
        fallback: The safe rule, likewise.
        tolerance: Share of the fall of the loss by which it may stand above its lowest mean.
        patience: Steps of the fallback's first turn.
        seed: Seed of the untrained meta-parameters; None keeps those of the rule given.

    Raises:
        ValueError: If an argument is no rule or out of range.
    """

    fallback: UpdateRule = registry.a_rule("adam")
    tolerance: float = number(0.5, above=0)
    patience: int = integer(50, min=1)
    parts = ("inner", "fallback")
    coordinatewise = False

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        own, safe = (r.init(variables, state_dtype) for r in (self.inner, self.fallback))
        watch = {**loss_state(), "turn": 0.0, "trips": 0.0}
        return _together(own, safe, {k: ops.convert_to_tensor(v) for k, v in watch.items()})

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        watch, safe_now = self._watched(context.loss, part_of(state.shared, "watch"))
        learned, safe = state_of(state, "inner"), state_of(state, "fallback")
        learned, own = self.inner.update(gradients, learned, variables, context)
        safe, other = self.fallback.update(gradients, safe, variables, context)
        updates = [
            ops.where(safe_now, ops.cast(b, a.dtype), a) for a, b in zip(learned, safe, strict=True)
        ]
        return updates, _together(own, other, watch)

    def _watched(self, loss, watch):
        """The next state of the watch, and whether the fallback takes this step."""
        _, seen = loss_signals(loss, watch)
        mean, noise = corrected_means(seen)[_MEAN], corrected_noise(seen)
        fall = ops.maximum(seen["loss_first"] - seen["loss_lowest"], 0.0)
        bound = 3.0 * noise + self.tolerance * fall + 1e-6 * ops.abs(seen["loss_first"])
        worse = ops.logical_and(mean - seen["loss_lowest"] > bound, seen["loss_seen"] > 10.0)
        # A mean comes too late for a loss that explodes.
        blown = 3.0 * noise + BLOWN * ops.maximum(fall, 0.5 * ops.abs(seen["loss_first"]))
        worse = ops.logical_or(worse, ops.cast(loss, "float32") - seen["loss_lowest"] > blown)
        left = ops.maximum(watch["turn"] - 1.0, 0.0)
        trip = ops.logical_and(worse, left <= 0.0)
        turn = self.patience * ops.power(2.0, ops.minimum(watch["trips"], 20.0))
        left = ops.where(trip, turn, left)
        trips = watch["trips"] + ops.cast(trip, "float32")
        return {**seen, "turn": left, "trips": trips}, left > 0.0


def _together(own, safe, watch):
    """The states of both rules and of the watch in one."""
    both = merged_states(inner=own, fallback=safe)
    return both._replace(shared={**both.shared, **merged(watch=watch)})
