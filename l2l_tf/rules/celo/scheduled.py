"""Rules whose steps a learned schedule scales, with one LSTM per variable."""

from keras import ops

from l2l_tf.cells import fraction_done
from l2l_tf.rules.base import (
    Context,
    RuleState,
    Slots,
    Tensor,
    Tensors,
    UpdateRule,
    compute_dtype_for,
    state_dtype_for,
)
from l2l_tf.rules.celo.loss_features import FEATURES, initial_loss_state, observe_loss
from l2l_tf.rules.celo.progress_features import STAGES, progress_features
from l2l_tf.rules.celo.scheduler import scheduler_meta_params, scheduler_step
from l2l_tf.rules.dtypes import widest_dtype


class ScheduledRule(UpdateRule):
    """A step per variable times a learned multiplier: `update = −0.1 · e^s · step`.

    The scheduler (`scheduler.scheduler_step`) puts out s for every variable from 18 features:
    how far the run has come, and what the course of the loss says. Where they are unknown:

    - without `total_steps` a run counts as one of `default_total_steps` that stops
      ageing at `held_fraction`: warm-up as learned, then the steps of mid-run, for ever;
    - without the loss (NaN) the nine loss features are 0, their value at the start.

    A subclass stores the three arguments below, implements `variable_slots` and
    `variable_step`, and puts `scheduler_meta_params` among its meta-parameters.

    Slots of each variable are `scheduler_hidden` and `scheduler_cell`, the LSTM's state as
    its difference from the learned initial state; shared state is the loss's ten means,
    their minima, and the number of losses seen.

    Attributes:
        scheduler_size: Cells of the LSTM.
        default_total_steps: Length that a run of unknown length counts as.
        held_fraction: Share of it at which such a run stops ageing.
    """

    def variable_slots(self, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Dict slot name → shape, for a variable of this shape (rank ≥ 1)."""
        raise NotImplementedError(f"{type(self).__name__}.variable_slots")

    def variable_step(
        self, gradient: Tensor, slots: Slots, variable: Tensor, meta_params: Slots, context: Context
    ) -> tuple[Tensor, Slots]:
        """The step of one variable before the schedule scales it.

        Args:
            gradient: `[*shape]`, rank ≥ 1 (a scalar comes as `[1]`).
            slots: Dict as in `variable_slots`, in the gradient's dtype.
            variable: `[*shape]`, before the step.
            meta_params: The meta-parameters in the gradient's dtype.
            context: A `Context`.

        Returns:
            `(step [*shape], slots)`.
        """
        raise NotImplementedError(f"{type(self).__name__}.variable_step")

    def _scheduler_meta_params(self, generator):
        return scheduler_meta_params(generator, len(STAGES) + FEATURES, self.scheduler_size)

    def init(self, variables: Tensors, state_dtype: str | None = None) -> RuleState:
        states = []
        for variable in variables:
            shapes = {f"scheduler_{k}": (self.scheduler_size,) for k in ("hidden", "cell")}
            shapes.update(self.variable_slots(_vector_shape(variable)))
            dtype = state_dtype_for(variable, state_dtype)
            states.append({name: ops.zeros(shape, dtype) for name, shape in shapes.items()})
        # A mean over thousands of losses needs float32 whatever the slots are.
        return RuleState(states, initial_loss_state(widest_dtype(variables)))

    def update(
        self, gradients: Tensors, state: RuleState, variables: Tensors, context: Context
    ) -> tuple[Tensors, RuleState]:
        meta_params = {
            dtype: {k: ops.cast(v, dtype) for k, v in self.meta_params.items()}
            for dtype in {compute_dtype_for(v) for v in variables}
        }
        scales, schedules, shared = self._schedule(state, variables, meta_params, context)
        updates, states = [], []
        for gradient, slots, variable, scale, schedule in zip(
            gradients, state.variables, variables, scales, schedules, strict=True
        ):
            dtype = compute_dtype_for(variable)
            shape = _vector_shape(variable)
            step, new = self.variable_step(
                ops.reshape(ops.cast(gradient, dtype), shape),
                {k: ops.cast(v, dtype) for k, v in slots.items() if k not in schedule},
                ops.reshape(ops.cast(variable, dtype), shape),
                meta_params[dtype],
                context,
            )
            updates.append(ops.reshape(-ops.cast(scale, dtype) * step, ops.shape(variable)))
            new.update(schedule)
            states.append({k: ops.cast(new[k], v.dtype) for k, v in slots.items()})
        return updates, RuleState(states, shared)

    def _schedule(self, state, variables, meta_params, context):
        dtype = widest_dtype(variables)
        total = ops.cast(context.total_steps, dtype)
        default = float(self.default_total_steps)
        fraction = fraction_done(context.run_iteration, total, default, self.held_fraction, dtype)
        known_total = ops.where(ops.isnan(total), ops.full_like(total, default), total)
        loss_features, shared = observe_loss(state.shared, context.loss, known_total)
        features = ops.concatenate([progress_features(fraction), loss_features], axis=0)
        features = ops.repeat(features[:, None], len(variables), axis=1)
        params = meta_params[dtype]
        initial = {k: params[f"scheduler_initial_{k}"][:, None] for k in ("hidden", "cell")}
        before = {
            k: start + ops.stack([ops.cast(s[f"scheduler_{k}"], dtype) for s in state.variables], 1)
            for k, start in initial.items()
        }
        output, hidden, cell = scheduler_step(features, before["hidden"], before["cell"], params)
        hidden, cell = hidden - initial["hidden"], cell - initial["cell"]
        schedules = [
            {"scheduler_hidden": hidden[:, i], "scheduler_cell": cell[:, i]}
            for i in range(len(variables))
        ]
        scales = 0.1 * ops.exp(output)
        return [scales[i] for i in range(len(variables))], schedules, shared


def _vector_shape(variable):
    """The variable's shape; a scalar counts as a vector of one."""
    shape = tuple(variable.shape)
    if any(d is None for d in shape):
        shape = tuple(ops.shape(variable))
    return shape or (1,)
