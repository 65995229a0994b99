"""A Keras optimizer around an update rule: slots, the loss, the step."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from l2l_tf import rules
from l2l_tf.core.checks import check_choice
from l2l_tf.optimizer import checks, compilation, finiteness, games
from l2l_tf.optimizer.averages import Averages
from l2l_tf.optimizer.backends import BACKEND
from l2l_tf.optimizer.context_keeping import ContextKeeping
from l2l_tf.optimizer.copies import Copying
from l2l_tf.optimizer.multipliers import checked as checked_multipliers
from l2l_tf.optimizer.multipliers import multiplier_of, warn_of_unused
from l2l_tf.optimizer.projection import projected
from l2l_tf.optimizer.skip_watch import CHOICES, SKIP, Skipping
from l2l_tf.optimizer.state_keeping import StateKeeping
from l2l_tf.optimizer.variables import Spec, constant, holds_no_weights, path_of, tensors

STATE_DTYPES = ("float64", "float32", "bfloat16", "float16")


class RuleOptimizer(
    ContextKeeping, Skipping, StateKeeping, Copying, Averages, keras.optimizers.Optimizer
):
    """Updates variables by an `UpdateRule`.

    The rule's state lives in slot variables; its meta-parameters are saved with it, but are not
    among `variables`. Clipping, weight decay, accumulation and averages are Keras's.

    Args:
        rule: `UpdateRule` with its meta-parameters.
        learning_rate: Float, int, schedule or callable. Multiplies the rule's update, or, of a
            rule that has a `learning_rate` of its own, stands in its place. None: 1, or the
            rule's own.
        total_steps: Length of the one training run in updates; None leaves it to
            `begin_run`.
        state_dtype: Dtype of the slots; None means float64 for float64 variables, else
            float32.
        learning_rate_multipliers: Dict regular expression → factor of the learning rate of the
            variables in whose path it is found; the first one counts.
        jit_compile: Whether XLA compiles the step by itself where the program around it is not
            compiled: True, False, or None: where that pays, and the model that was compiled with
            this optimizer does not say `jit_compile=False`.
        nonfinite: "skip" or "raise": what comes of a step whose gradients hold NaN or Inf.
        **kwargs: See `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If an argument is out of range, or Keras runs on a backend that is not
            supported.
    """

    # `jit_compile` of the model that was compiled with this optimizer; None without one.
    model_jit_compile = None
    # Whether that model computes at once, to be looked into.
    model_runs_eagerly = False

    def __init__(
        self,
        rule: rules.UpdateRule,
        learning_rate: float | LearningRateSchedule | Callable | None = None,
        total_steps: int | None = None,
        state_dtype: str | None = None,
        learning_rate_multipliers: Mapping[str, float] | None = None,
        jit_compile: bool | None = None,
        nonfinite: str = SKIP,
        **kwargs: Any,
    ):
        checks.check_backend()
        checks.check_hooks(self)
        checks.check_jit_compile(jit_compile)
        check_choice("nonfinite", nonfinite, CHOICES)
        multipliers = checked_multipliers(learning_rate_multipliers)
        if learning_rate is None:
            learning_rate = rule.learning_rate if rule.takes_learning_rate else 1.0
        if isinstance(learning_rate, int) and not isinstance(learning_rate, bool):
            learning_rate = float(learning_rate)
        if isinstance(learning_rate, float):
            rule, _ = rule.at_learning_rate(learning_rate)
        super().__init__(learning_rate=learning_rate, **kwargs)
        checks.check_total_steps(total_steps)
        if state_dtype is not None and state_dtype not in STATE_DTYPES:
            raise ValueError(
                f"`state_dtype` is None or one of {STATE_DTYPES}. "
                f"Received: state_dtype={state_dtype!r}"
            )
        self.total_steps = None if total_steps is None else float(total_steps)
        self.state_dtype = state_dtype
        self.learning_rate_multipliers = multipliers
        self.jit_compile = jit_compile
        self.nonfinite = nonfinite
        self._rule = rule
        # A rule restored from a configuration alone waits for its weights.
        self._weights_pending = False
        self._own_steps = compilation.OwnSteps()
        with keras.name_scope(self.name):
            # In the order in which files have them.
            self._make_loss_variable()
            self._make_skip_counter(nonfinite)
            self._make_run_variables(total_steps)

    @property
    def preset(self) -> str | None:
        """Name of the preset that the rule came from, or None."""
        return None

    @property
    def rule(self) -> rules.UpdateRule:
        """The `UpdateRule`, with its meta-parameters as they are now."""
        if self._rule.meta_params and self.built:
            return self._rule.bind({k: v.numpy() for k, v in self._meta_params.items()})
        return self._rule_at_rate()

    def _rule_at_rate(self):
        """The rule at the learning rate of now, where it takes one."""
        if not self._rule.takes_learning_rate:
            return self._rule
        with BACKEND.outside():  # Slots may be made while a step is traced.
            rate = float(BACKEND.tensor(self.learning_rate))
        if np.float32(rate) == np.float32(self._rule.learning_rate):
            return self._rule  # As it was written, not as a variable rounds it.
        return self._rule.at_learning_rate(rate)[0]

    @property
    def schedule(self) -> LearningRateSchedule | None:
        """The `LearningRateSchedule` that the learning rate follows, or None."""
        found = self._learning_rate
        return found if isinstance(found, LearningRateSchedule) else None

    @property
    def excludes_from_weight_decay(self) -> bool:
        """Whether `exclude_from_weight_decay` named variables."""
        names = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")
        return any(getattr(self, name, None) for name in names)

    # Variables.

    def build(self, variables: list[keras.Variable]) -> None:
        """Create slots for `variables`, a list of trainable variables.

        Raises:
            ValueError: If one of them is complex, or `update_step` was overridden.
        """
        checks.check_hooks(self)
        checks.check_real(variables)
        if self.built:
            self.adopt(variables)
        elif self.awaits_state:
            # What a traced step creates has no value before the trace ends.
            with BACKEND.outside():
                self._build(variables)
        else:
            self._build(variables)

    def _build(self, variables):
        warn_of_unused(self.learning_rate_multipliers, variables)
        super().build(variables)
        self._meta_params = self._add_variables(
            self._rule.meta_params, dtype="float32", aggregation="only_first_replica"
        )
        state = self._fresh_state()
        states = iter(state.variables)
        self._slots = []
        for variable in variables:
            if holds_no_weights(variable):
                self._slots.append(None)
                continue
            prefix = path_of(variable).replace("/", "_").replace(":", "_")
            with BACKEND.beside(self, variable):
                self._slots.append(self._add_variables(next(states), prefix=f"{prefix}_"))
        self._shared = self._add_variables(state.shared, aggregation="only_first_replica")
        self.take_over_awaited()

    def _fresh_state(self):
        """The rule's state before the first step, of the variables that it updates."""
        specs = [Spec(v) for v in self.learned_variables()]
        return self._laid_out(self._rule_at_rate()).init(specs, self.state_dtype)

    def trained_variables(self) -> list[keras.Variable]:
        """List of the variables that the optimizer was built with."""
        return list(self._trainable_variables)

    def learned_variables(self) -> list[keras.Variable]:
        """List of the variables that the rule updates, in the order of its shared state."""
        variables = self._trainable_variables
        return [v for v in variables if not holds_no_weights(v)]

    def _laid_out(self, rule):
        """The rule as it is told what the variables are for; their paths tell."""
        layouts = []
        for variable in self.learned_variables():
            # Keras's two switches hold for a rule's own decay, too.
            decays = self.weight_decay != 0 and self._use_weight_decay(variable)
            layout = rules.layout_of(variable.shape, path_of(variable))
            layouts.append(layout._replace(decays=bool(decays)))
        return rule.laid_out(layouts)

    def _add_variables(self, values, prefix="", dtype=None, aggregation="none"):
        return {
            name: self.add_variable(
                shape=value.shape,
                initializer=constant(value),
                dtype=dtype or keras.backend.standardize_dtype(value.dtype),
                aggregation=aggregation,
                name=f"{prefix}{name}",
            )
            for name, value in values.items()
        }

    def slots_of(self, variable: keras.Variable) -> dict:
        """Dict slot name → variable of one trainable variable; what a rule keeps of several
        together is not among them."""
        return dict(self._slots[self._get_variable_index(variable)])

    def shared_state(self) -> dict:
        """Dict name → variable of what the rule keeps for all variables together."""
        return dict(self._shared)

    # The step.

    def apply(self, grads: list, trainable_variables: list | None = None) -> None:
        """Update variables; see `keras.optimizers.Optimizer.apply`."""
        with BACKEND.undifferentiated():
            self._apply([BACKEND.dense(g) for g in grads], trainable_variables)

    def _apply(self, grads, trainable_variables):
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
            if not self.built and grads:
                self.build(trainable_variables)
        self.adopt(trainable_variables)
        self.observe_given_loss()
        if not self.built or all(g is None for g in grads):
            super().apply(grads, trainable_variables)
            return
        if not BACKEND.replicated():
            games.note(self)
        BACKEND.take_step(self, grads, trainable_variables)

    def stateless_apply(
        self, optimizer_variables: list, grads: list, trainable_variables: list, loss: Any = None
    ) -> tuple[list, list]:
        """A pure function of values; see `keras.optimizers.Optimizer.stateless_apply`.

        Args:
            optimizer_variables: List of values of `variables`.
            grads: List of gradients.
            trainable_variables: List of values of the variables that the optimizer was built with.
            loss: Scalar, the loss that the gradients belong to; None if it is not known.

        Returns:
            `(trainable_variables, optimizer_variables)`, two lists.
        """
        if self.carried is not None:
            unpacked = self.carried.unpacked(self, grads, trainable_variables)
            grads, trainable_variables, loss = unpacked
        with self.with_loss(loss):
            return super().stateless_apply(optimizer_variables, grads, trainable_variables)

    def apply_finite(self, grads: list, trainable_variables: list) -> None:
        """Keras's `apply`, for gradients that are known to be finite."""
        super().apply(grads, trainable_variables)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        reduced = BACKEND.reduced(self, grads, trainable_variables)
        indices = map(self._get_variable_index, trainable_variables)
        given = {i: BACKEND.tensor(g) for i, g in zip(indices, reduced, strict=True)}
        if self._is_compiled_by_itself(trainable_variables):
            self._own_steps(self._chunked_update, given, learning_rate, compiled=True)
        elif BACKEND.traces_apart() and not self.model_runs_eagerly:
            self._own_steps(self._plain_update, given, learning_rate, compiled=False)
        else:
            BACKEND.run(self._plain_update, given, learning_rate)

    def _is_compiled_by_itself(self, variables):
        if not compilation.possible(self._rule, variables):
            return False
        if self.jit_compile is not None:
            return self.jit_compile
        slots = [slot for slot in self._slots if slot is not None]
        wanted = self.model_jit_compile is not False
        steps = self.steps_ahead or self.total_steps
        return wanted and compilation.pays(slots, self._shared, steps)

    def _plain_update(self, given, learning_rate):
        self._update(self._laid_out(self._rule).for_steps(), given, learning_rate)

    def _chunked_update(self, given, learning_rate):
        self._update(self._laid_out(self._rule).for_steps(chunked=True), given, learning_rate)

    def _update(self, rule, given, learning_rate):
        """Assign what `rule` makes of a dict index of a variable → gradient."""
        indices = list(given)
        if not self._rule.coordinatewise:
            # Such a rule sees every variable at every step, in the order of `build`, so that
            # a coordinate keeps its place; no gradient counts as zero.
            indices = [i for i, slot in enumerate(self._slots) if slot is not None]
        variables = [BACKEND.native(self._trainable_variables[i]) for i in indices]
        gradients = [
            self._gradient(given[i], i) if i in given else ops.zeros(v.shape, v.dtype)
            for i, v in zip(indices, variables, strict=True)
        ]
        values = [BACKEND.tensor(v) for v in variables]
        slots = [self._slots[i] for i in indices]
        state = rules.RuleState([tensors(slot) for slot in slots], tensors(self._shared))
        if self._meta_params:
            rule = rule.bind(tensors(self._meta_params))
        rule, rate = rule.at_learning_rate(learning_rate)
        with rules.undifferentiated():
            updates, new_state = rule.update(gradients, state, values, self._context())
        targets, new_values = [], []
        for index, variable, value, update in zip(indices, variables, values, updates, strict=True):
            if index in given:  # What has no gradient stays where it is.
                targets.append(variable)
                step = ops.cast(rate, update.dtype) * update
                multiplier = self._multiplier(index)
                step = step if multiplier == 1 else multiplier * step
                new_values.append(finiteness.finite_sum(value, step))
        kept = [*zip(slots, new_state.variables, strict=True), (self._shared, new_state.shared)]
        for slot, new in kept:
            for name, variable in slot.items():
                targets.append(variable)
                new_values.append(ops.cast(new[name], variable.dtype))
        BACKEND.assign(self, targets, new_values)

    def _gradient(self, gradient, index):
        """A gradient as the rule sees it: without what the variable's constraint takes back."""
        variable = self._trainable_variables[index]
        constraint = getattr(variable, "constraint", None)
        if constraint is None or not self._rule.sees_constraints:
            return gradient
        return projected(gradient, BACKEND.tensor(BACKEND.native(variable)), constraint)

    def _multiplier(self, index):
        return multiplier_of(self.learning_rate_multipliers, self._trainable_variables[index])

    def _apply_weight_decay(self, variables):
        """Keras's, at each variable's own learning rate."""
        if not self.learning_rate_multipliers or self.weight_decay is None:
            super()._apply_weight_decay(variables)
            return
        decaying = [v for v in map(BACKEND.native, variables) if self._use_weight_decay(v)]
        rate = BACKEND.tensor(self.learning_rate) * self.weight_decay
        kept = [
            v - v * ops.cast(rate * self._multiplier(self._get_variable_index(v)), v.dtype)
            for v in decaying
        ]
        BACKEND.assign(self, decaying, kept)
