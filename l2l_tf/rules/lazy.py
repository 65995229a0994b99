"""A rule that decides now and then, and goes on in between as it decided last."""

from keras import ops

from l2l_tf.cells.run_signals import (
    LOSS_DECAYS,
    corrected_means,
    corrected_noise,
    loss_signals,
    loss_state,
)
from l2l_tf.core.config import choice, integer
from l2l_tf.rules import registry
from l2l_tf.rules.base import Context, RuleState, Tensors, compute_dtype_for, state_dtype_for
from l2l_tf.rules.state import merged, merged_states, part_of, state_of
from l2l_tf.rules.wrapper import SeededWrapper

SCHEDULES = ("fixed", "growing", "plateau")
DIRECTIONS = ("momentum", "last")
# Share of a gradient in the momentum that is followed between decisions.
KEEP = 0.1
# Steps after which gaps have grown to the full where no loss is told.
GROWN = 1000.0
# Of the loss's usual noise: a fall of its mean by less is none.
STILL = 1.0 / 3.0

_MEAN = LOSS_DECAYS.index(0.9)


@registry.register_rule("lazy")
class Lazy(SeededWrapper, inner="spectral"):
    """A learned rule that is evaluated at some steps only, and costs no more than these.

    At a *decision* the inner rule sees the gradient and gives an update u. In between each
    variable moves by ‖u‖ along its plain momentum m, a mean of gradients (`direction="momentum"`),
    or along u once more (`"last"`); the inner rule and its state rest, and are not computed. It
    counts its own decisions as steps, and the run's length and progress in them.

    Schedules say when it is asked:

    - `fixed`: at every `every`-th step;
    - `growing`: ever more rarely as the loss converges: the gap grows from 1 to `every` with the
      share of the first loss that is gone (without a loss: over the first 1,000 steps of a run);
    - `plateau`: at every `every`-th step, and after a quarter of them where the mean loss over some
      ten steps has not fallen since the last decision by more than a third of its noise.

    Bytes of state: those of the inner rule, 4 per coordinate and 4 per variable.

    Source: this project, after questions that a review of Andrychowicz et al. (2016) left open.

    Args:
        inner: The rule that is asked, its description (as `serialize` gives it), or a text.
        every: Steps from one decision to the next, or at most.
        schedule: "fixed", "growing" or "plateau".
        direction: What is followed in between: "momentum" or "last".
        seed: Seed of the untrained meta-parameters; None keeps those of the rule given.

    Raises:
        ValueError: If an argument is no rule or out of range.
    """

    every: int = integer(4, min=1)
    schedule: str = choice("fixed", SCHEDULES)
    direction: str = choice("momentum", DIRECTIONS)
    coordinatewise = False

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        own = self.inner.init(variables, state_dtype)
        kept = [ops.zeros(tuple(v.shape), state_dtype_for(v, state_dtype)) for v in variables]
        watch = {
            **{name: ops.convert_to_tensor(value) for name, value in loss_state().items()},
            **{name: ops.zeros((), "float32") for name in ("decisions", "since", "seen", "mark")},
            "sizes": ops.zeros((len(variables),), "float32"),
        }
        return _together(own, kept, watch)

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        watch = part_of(state.shared, "lazy")
        _, loss = loss_signals(context.loss, watch)
        since, seen = watch["since"] + 1.0, watch["seen"] + 1.0
        gap = self._gap(loss, context)
        due = ops.logical_or(watch["decisions"] == 0.0, since >= ops.round(gap))
        if self.schedule == "plateau":
            soon = since >= -(-self.every // 4)
            due = ops.logical_or(due, ops.logical_and(soon, _still(loss, watch["mark"])))
        dtypes = [compute_dtype_for(v) for v in variables]
        kept = [ops.cast(s["kept"], d) for s, d in zip(state.variables, dtypes, strict=True)]
        if self.direction == "momentum":
            pairs = zip(kept, gradients, strict=True)
            kept = [m + KEEP * (ops.cast(g, m.dtype) - m) for m, g in pairs]
            scale = -1.0 / (1.0 - ops.power(1.0 - KEEP, seen))
            along = [ops.cast(scale, m.dtype) * m for m in kept]
        else:
            along = kept
        rest = state_of(state, "inner")
        asked = _in_decisions(context, watch["decisions"], gap)

        def decide():
            updates, own = self.inner.update(gradients, rest, variables, asked)
            updates = [ops.cast(u, d) for u, d in zip(updates, dtypes, strict=True)]
            return updates, _in_dtypes_of(rest, own), self._sizes(updates, along)

        def go_on():
            sizes = ops.unstack(watch["sizes"], num=len(along))
            updates = [ops.cast(size, a.dtype) * a for size, a in zip(sizes, along, strict=True)]
            return updates, rest, watch["sizes"]

        updates, own, sizes = ops.cond(due, decide, go_on)
        kept = kept if self.direction == "momentum" else updates
        kept = [ops.cast(k, s["kept"].dtype) for k, s in zip(kept, state.variables, strict=True)]
        watch = {
            **loss,
            "decisions": watch["decisions"] + ops.cast(due, "float32"),
            "since": ops.where(due, ops.zeros_like(since), since),
            "seen": seen,
            "mark": ops.where(due, corrected_means(loss)[_MEAN], watch["mark"]),
            "sizes": sizes,
        }
        return updates, _together(own, kept, watch)

    def _gap(self, loss, context):
        """Steps from the last decision to the next one, a scalar float32."""
        if self.schedule != "growing":
            return ops.convert_to_tensor(float(self.every), "float32")
        first = ops.maximum(ops.abs(loss["loss_first"]), 1e-30)
        gone = 1.0 - corrected_means(loss)[_MEAN] / first
        age = ops.cast(context.run_iteration, "float32") / GROWN
        known = ops.logical_and(loss["loss_seen"] > 0.0, ops.isfinite(gone))
        return 1.0 + (self.every - 1.0) * ops.clip(ops.where(known, gone, age), 0.0, 1.0)

    def _sizes(self, updates, along):
        """By what `along` is multiplied until the next decision, `[variables]`."""
        if self.direction == "last":
            return ops.ones((len(updates),), "float32")
        pairs = zip(updates, along, strict=True)
        return ops.stack([ops.cast(_norm(u) / _norm(a), "float32") for u, a in pairs])


def _norm(tensor):
    return ops.sqrt(ops.maximum(ops.sum(ops.square(tensor)), 1e-30))


def _still(loss, mark):
    """Whether the mean loss has not fallen since it was `mark`."""
    fallen = mark - corrected_means(loss)[_MEAN]
    return ops.logical_and(fallen <= STILL * corrected_noise(loss), loss["loss_seen"] > 1.0)


def _in_decisions(context, decisions, gap):
    """The `Context` of a rule that counts decisions as its steps."""
    taken = ops.cast(context.iteration, "float32")
    # Decisions for each step: so far, and from now on.
    past = ops.where(taken > 0.0, decisions / ops.maximum(taken, 1.0), 1.0 / gap)
    age = ops.cast(context.run_iteration, "float32")
    total = ops.cast(context.total_steps, "float32")
    in_epoch = ops.cast(context.iteration - context.epoch_start, "float32")
    steps = ops.cast(context.epoch_steps, "float32")
    iteration = ops.cast(decisions, "int32")
    return context._replace(
        iteration=iteration,
        run_start=iteration - ops.cast(age * past, "int32"),
        total_steps=ops.maximum(age * past + (total - age) / gap, 1.0),
        epoch_start=iteration - ops.cast(in_epoch / gap, "int32"),
        epoch_steps=steps / gap,
    )


def _in_dtypes_of(old, new):
    def alike(of, now):
        return {name: ops.cast(now[name], value.dtype) for name, value in of.items()}

    pairs = zip(old.variables, new.variables, strict=True)
    return RuleState([alike(a, b) for a, b in pairs], alike(old.shared, new.shared))


def _together(own, kept, watch):
    """The inner rule's state, what is kept of each variable, and the watch in one."""
    state = merged_states(inner=own)
    variables = [{**slots, "kept": k} for slots, k in zip(state.variables, kept, strict=True)]
    return RuleState(variables, {**state.shared, **merged(lazy=watch)})
