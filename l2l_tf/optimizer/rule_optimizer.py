"""A Keras optimizer around an update rule: slots, the loss, the step."""

import keras
import numpy as np
import tensorflow as tf

from l2l_tf import rules
from l2l_tf.optimizer import compilation, finiteness, observed_loss

STATE_DTYPES = ("float64", "float32", "bfloat16", "float16")


class RuleOptimizer(keras.optimizers.Optimizer):
    """Updates variables by an `UpdateRule`.

    The rule's state lives in slot variables, its meta-parameters in variables that
    training never changes. Clipping, weight decay, accumulation and averages are Keras's.

    Args:
        rule: `UpdateRule` with its meta-parameters.
        learning_rate: Multiplies the rule's update; float, int, schedule or callable.
        total_steps: Length of the one training run in updates; None leaves it to
            `begin_run`.
        state_dtype: Dtype of the slots; None means float64 for float64 variables, else
            float32.
        **kwargs: See `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If an argument is out of range.
    """

    # What `RunLength` knows of earlier fits; no state that a file would hold.
    fits = 0
    fit_ended_at = None

    def __init__(self, rule, learning_rate=1.0, total_steps=None, state_dtype=None, **kwargs):
        if isinstance(learning_rate, int) and not isinstance(learning_rate, bool):
            learning_rate = float(learning_rate)
        super().__init__(learning_rate=learning_rate, **kwargs)
        _check_total_steps(total_steps)
        if state_dtype is not None and state_dtype not in STATE_DTYPES:
            raise ValueError(
                f"`state_dtype` is None or one of {STATE_DTYPES}. "
                f"Received: state_dtype={state_dtype!r}"
            )
        self.total_steps = None if total_steps is None else float(total_steps)
        self.state_dtype = state_dtype
        self._rule = rule
        self._compiled_steps = compilation.CompiledSteps()
        with keras.name_scope(self.name):
            # Sum over replicas: Keras passes each one its share of the global loss.
            self._loss = keras.Variable(
                np.nan, dtype="float32", trainable=False, aggregation="sum", name="loss"
            )
            self._skipped_steps = keras.Variable(
                0,
                dtype="int64",
                trainable=False,
                aggregation="only_first_replica",
                name="skipped_steps",
            )
            self._run_length = keras.Variable(
                np.nan if total_steps is None else total_steps,
                dtype="float32",
                trainable=False,
                aggregation="only_first_replica",
                name="run_length",
            )
            self._run_start = keras.Variable(
                0,
                dtype="int64",
                trainable=False,
                aggregation="only_first_replica",
                name="run_start",
            )
        observed_loss.show_scaled_losses()

    @property
    def rule(self):
        """The `UpdateRule`, with its meta-parameters as they are now."""
        if self._rule.meta_params and self.built:
            return self._rule.bind({k: v.numpy() for k, v in self._meta_params.items()})
        return self._rule

    @property
    def skipped_steps(self):
        """Number of steps skipped because a gradient held NaN or Inf."""
        return self._skipped_steps

    @property
    def schedule(self):
        """The `LearningRateSchedule` that the learning rate follows, or None."""
        schedules = keras.optimizers.schedules.LearningRateSchedule
        return self._learning_rate if isinstance(self._learning_rate, schedules) else None

    @property
    def excludes_from_weight_decay(self):
        """Whether `exclude_from_weight_decay` named variables."""
        names = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")
        return any(getattr(self, name, None) for name in names)

    # Variables.

    def build(self, variables):
        """Create slots for `variables`, a list of trainable variables."""
        if self.built:
            return
        super().build(variables)
        self._meta_params = self._add_variables(
            self._rule.meta_params, dtype="float32", aggregation="only_first_replica"
        )
        learned = [v for v in variables if not self._overwrite_variable_with_gradient(v)]
        state = self._rule.init([_Spec(v) for v in learned], self.state_dtype)
        states = iter(state.variables)
        self._slots = []
        for variable in variables:
            if self._overwrite_variable_with_gradient(variable):
                self._slots.append(None)
                continue
            prefix = _slot_prefix(variable)
            colocated = self._distribution_strategy.extended.colocate_vars_with
            with colocated(_tf_variable(variable)):
                self._slots.append(self._add_variables(next(states), prefix=f"{prefix}_"))
        self._shared = self._add_variables(state.shared, aggregation="only_first_replica")

    def _add_variables(self, values, prefix="", dtype=None, aggregation="none"):
        return {
            name: self.add_variable(
                shape=value.shape,
                initializer=_constant(value),
                dtype=dtype or keras.backend.standardize_dtype(value.dtype),
                aggregation=aggregation,
                name=f"{prefix}{name}",
            )
            for name, value in values.items()
        }

    def slots_of(self, variable):
        """Dict slot name → variable of one trainable variable."""
        return dict(self._slots[self._get_variable_index(variable)])

    # The loss.

    def scale_loss(self, loss):
        """Note the loss for the rule, and scale it as Keras does."""
        self.observe_loss(loss)
        return super().scale_loss(loss)

    def observe_loss(self, loss):
        """Tell the rule the loss whose gradients come with the next `apply`.

        With gradient accumulation the mean over the accumulated steps counts.

        Args:
            loss: Scalar.
        """
        self._loss.assign(observed_loss.noted(loss, *self._loss_so_far()))

    def _forget_loss(self):
        self._loss.assign(observed_loss.left(*self._loss_so_far()))

    def _loss_so_far(self):
        remembered = tf.convert_to_tensor(self._loss.value)
        return remembered, self._iterations.value, self.gradient_accumulation_steps

    # The run.

    def begin_run(self, total_steps=None, steps_done=0):
        """Tell the rule that a run begins now, and how long it is.

        `fit` does so by itself; in a loop of one's own it takes this line, before the first
        step or at any later one (nothing is traced again). Slots and `iterations` go on.

        Args:
            total_steps: Updates of the whole run; None if unknown: then the run counts as
                begun with the optimizer's first update.
            steps_done: Updates of this run that were taken before, where one is resumed.

        Raises:
            ValueError: If `total_steps` is not positive.
        """
        _check_total_steps(total_steps)
        known = total_steps is not None
        self._run_length.assign(total_steps if known else np.nan)
        taken = tf.cast(tf.convert_to_tensor(self.iterations), tf.int64)
        self._run_start.assign(taken - steps_done if known else 0)

    # The step.

    def apply(self, grads, trainable_variables=None):
        """Update variables; see `keras.optimizers.Optimizer.apply`."""
        # Keras cannot divide slices, nor add them; the rule sees every row anyway.
        grads = [tf.convert_to_tensor(g) if isinstance(g, tf.IndexedSlices) else g for g in grads]
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
            if not self.built and grads:
                self.build(trainable_variables)
        if not self.built or all(g is None for g in grads):
            super().apply(grads, trainable_variables)
        elif finiteness.replicas_merge():
            finiteness.apply_if_finite_everywhere(
                grads,
                trainable_variables,
                self._apply_finite,
                self._skip,
                after=lambda: self._loss.assign(np.nan),
            )
        else:
            finiteness.apply_if_finite(
                grads, lambda: self._apply_finite(grads, trainable_variables), self._skip
            )
            self._forget_loss()

    def _apply_finite(self, grads, trainable_variables):
        super().apply(grads, trainable_variables)

    def _skip(self):
        self._iterations.assign_add(1)
        self._skipped_steps.assign_add(1)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        variables = [_tf_variable(v) for v in trainable_variables]
        reduced = self._all_reduce_sum_gradients(list(zip(grads, variables, strict=True)))
        given = {self._get_variable_index(v): tf.convert_to_tensor(g) for g, v in reduced}
        slots = [slot for slot in self._slots if slot is not None]
        if compilation.pays(self._rule, variables, slots):
            self._compiled_steps(self._compiled_update, given, learning_rate)
        else:
            self._update(self._rule.for_steps(), given, learning_rate)

    def _compiled_update(self, given, learning_rate):
        self._update(self._rule.for_steps(chunked=True), given, learning_rate)

    def _update(self, rule, given, learning_rate):
        """Assign what `rule` makes of a dict index of a variable → gradient."""
        indices = list(given)
        if not self._rule.coordinatewise:
            # Such a rule sees every variable at every step, in the order of `build`, so that
            # a coordinate keeps its place; no gradient counts as zero.
            indices = [i for i, slot in enumerate(self._slots) if slot is not None]
        variables = [_tf_variable(self._trainable_variables[i]) for i in indices]
        gradients = [
            given[i] if i in given else tf.zeros(v.shape, v.dtype)
            for i, v in zip(indices, variables, strict=True)
        ]
        values = [tf.convert_to_tensor(v) for v in variables]
        slots = [self._slots[i] for i in indices]
        state = rules.RuleState([_tensors(slot) for slot in slots], _tensors(self._shared))
        if self._meta_params:
            rule = rule.bind(_tensors(self._meta_params))
        updates, new_state = rule.update(gradients, state, values, self._context())
        targets, new_values = [], []
        for index, variable, value, update in zip(indices, variables, values, updates, strict=True):
            if index in given:  # What has no gradient stays where it is.
                targets.append(variable)
                step = tf.cast(learning_rate, update.dtype) * update
                new_values.append(finiteness.finite_sum(value, step))
        kept = [*zip(slots, new_state.variables, strict=True), (self._shared, new_state.shared)]
        for slot, new in kept:
            for name, variable in slot.items():
                targets.append(variable.value)
                new_values.append(tf.cast(new[name], variable.value.dtype))
        tf.__internal__.distribute.interim.maybe_merge_call(
            _assign_all, self._distribution_strategy, targets, new_values
        )

    def _context(self):
        return rules.Context(
            iteration=self.iterations,
            loss=tf.convert_to_tensor(self._loss.value),
            total_steps=tf.convert_to_tensor(self._run_length.value),
            run_start=tf.convert_to_tensor(self._run_start.value),
        )


def _check_total_steps(total_steps):
    number = isinstance(total_steps, int | float | np.number) and not isinstance(total_steps, bool)
    if total_steps is not None and not (number and total_steps > 0):
        raise ValueError(
            f"`total_steps` is a positive number or None. Received: total_steps={total_steps!r}"
        )


class _Spec:
    """Shape and dtype of a variable: all that `rule.init` looks at."""

    def __init__(self, variable):
        self.shape = tuple(variable.shape)
        self.dtype = keras.backend.standardize_dtype(variable.dtype)


def _tf_variable(variable):
    return variable.value if isinstance(variable, keras.Variable) else variable


def _tensors(variables):
    return {name: tf.convert_to_tensor(v.value) for name, v in variables.items()}


def _constant(value):
    return lambda shape, dtype=None: tf.cast(tf.reshape(value, shape), dtype)


def _slot_prefix(variable):
    path = getattr(variable, "path", None) or variable.name
    return str(path).replace("/", "_").replace(":", "_")


def _assign_all(distribution, targets, values):
    for target, value in zip(targets, values, strict=True):
        distribution.extended.update(
            target, lambda variable, new: variable.assign(new), args=(value,), group=False
        )
