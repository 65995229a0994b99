"""`LearnedOptimizer`: a Keras optimizer whose update rule was learned."""

import pathlib

import keras
import numpy as np
import tensorflow as tf
from keras.src.optimizers.loss_scale_optimizer import LossScaleOptimizer

from l2l_tf import presets, rules

_STATE_DTYPES = ("float64", "float32", "bfloat16", "float16")


@keras.saving.register_keras_serializable(package="l2l_tf")
class LearnedOptimizer(keras.optimizers.Optimizer):
    """A Keras optimizer whose updates come from an `UpdateRule`, learned or hand-crafted.

    ```python
    model.compile(optimizer=LearnedOptimizer(), loss="sparse_categorical_crossentropy")
    model.fit(x, y)
    ```

    The rule's state lives in slot variables of every trainable variable, its
    meta-parameters in variables that training never changes; both are saved with the
    optimizer. A step whose gradients hold NaN or Inf changes nothing but `iterations`
    and `skipped_steps`. Embedding gradients (`IndexedSlices`) are made dense: the state
    of every row advances.

    Args:
        learning_rate: Multiplies the rule's update; float, int, schedule or callable.
        preset: Name of a preset or path of a preset directory; None takes the shipped
            default if `rule` is None too.
        rule: Name of a rule (a learned one means its shipped preset) or an `UpdateRule`.
        total_steps: Length of the training run in steps, for rules that anneal to it;
            None if unknown.
        state_dtype: Dtype of the slots; None means float64 for float64 variables, else
            float32.
        weight_decay: As in Keras: variables are multiplied by
            `1 − learning_rate · weight_decay` before each update.
        name: Name of the optimizer.
        **kwargs: `clipnorm`, `clipvalue`, `global_clipnorm`, `use_ema`, `ema_momentum`,
            `ema_overwrite_frequency`, `loss_scale_factor`, `gradient_accumulation_steps`
            as in `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If preset and rule are both given, a name is unknown, or an argument
            is out of range.
    """

    def __init__(
        self,
        learning_rate=1.0,
        preset=None,
        rule=None,
        total_steps=None,
        state_dtype=None,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name="learned_optimizer",
        **kwargs,
    ):
        if isinstance(learning_rate, int) and not isinstance(learning_rate, bool):
            learning_rate = float(learning_rate)
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            **kwargs,
        )
        if total_steps is not None and not (
            isinstance(total_steps, int | float | np.number) and total_steps > 0
        ):
            raise ValueError(
                f"`total_steps` is a positive number or None. Received: total_steps={total_steps!r}"
            )
        if state_dtype is not None and state_dtype not in _STATE_DTYPES:
            raise ValueError(
                f"`state_dtype` is None or one of {_STATE_DTYPES}. "
                f"Received: state_dtype={state_dtype!r}"
            )
        self.total_steps = None if total_steps is None else float(total_steps)
        self.state_dtype = state_dtype
        # A rule restored from a configuration alone waits for its weights.
        self._weights_pending = False
        self._preset, self._rule = _resolve(preset, rule)
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
        _observe_scaled_losses()

    @property
    def rule(self):
        """The `UpdateRule`, with its meta-parameters as they are now."""
        if self._rule.meta_params and self.built:
            return self._rule.bind({k: v.numpy() for k, v in self._meta_params.items()})
        return self._rule

    @property
    def preset(self):
        """Name of the preset that the rule came from, or None."""
        return self._preset

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

    @classmethod
    def from_preset(cls, preset, **overrides):
        """An optimizer from a preset's name or directory, with constructor arguments."""
        return cls(preset=preset, **overrides)

    def save_to_preset(self, directory, card=None):
        """Write the rule and its weights as a preset directory.

        Args:
            directory: Path; see `presets.save_preset`.
            card: Text of its model card; by default that of the preset it came from.
        """
        self.check_weights()
        if card is None and self._preset is not None:
            try:
                card = presets.load_card(self._preset)
            except (ValueError, OSError):
                card = None
        if card is None:
            card = f"# {type(self._rule).__name__}\n\n`{self._rule!r}`\n"
        presets.save_preset(directory, self.rule, card)

    # Variables.

    def build(self, variables):
        """Create slots for `variables`, a list of trainable variables."""
        if self.built:
            return
        super().build(variables)
        self._meta_params = {}
        for name, value in self._rule.meta_params.items():
            self._meta_params[name] = self.add_variable(
                shape=value.shape,
                initializer=_constant(np.asarray(value)),
                dtype="float32",
                aggregation="only_first_replica",
                name=name,
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
            reference = _tf_variable(variable)
            with self._distribution_strategy.extended.colocate_vars_with(reference):
                self._slots.append(
                    {
                        name: self.add_variable(
                            shape=value.shape,
                            initializer=_constant(value),
                            dtype=keras.backend.standardize_dtype(value.dtype),
                            name=f"{prefix}_{name}",
                        )
                        for name, value in next(states).items()
                    }
                )
        self._shared = {
            name: self.add_variable(
                shape=value.shape,
                initializer=_constant(value),
                dtype=keras.backend.standardize_dtype(value.dtype),
                aggregation="only_first_replica",
                name=name,
            )
            for name, value in state.shared.items()
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
        loss = tf.cast(tf.reduce_mean(tf.cast(loss, tf.float32)), tf.float32)
        steps = self.gradient_accumulation_steps
        if steps:
            loss = loss / float(steps)
            first = tf.equal(tf.math.floormod(self._iterations.value, steps), 0)
            before = tf.convert_to_tensor(self._loss.value)
            loss = tf.where(first, loss, before + loss)
        self._loss.assign(loss)

    # The step.

    def apply(self, grads, trainable_variables=None):
        """Update variables; see `keras.optimizers.Optimizer.apply`."""
        grads = list(grads)
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
            if not self.built and grads:
                self.build(trainable_variables)
        self.check_weights()
        present = [_values(g) for g in grads if g is not None]
        if not present or not self.built:
            super().apply(grads, trainable_variables)
            return
        if self._merges():
            self._apply_across_replicas(grads, trainable_variables)
            return
        finite = _all_finite(present)
        if tf.executing_eagerly():
            if finite:
                super().apply(grads, trainable_variables)
            else:
                self._skip()
        else:
            tf.cond(
                finite,
                lambda: self._apply_finite(grads, trainable_variables),
                self._skip,
            )
        self._forget_loss()

    def _apply_finite(self, grads, trainable_variables):
        super().apply(grads, trainable_variables)

    def _skip(self):
        self._iterations.assign_add(1)
        self._skipped_steps.assign_add(1)

    def _forget_loss(self):
        """A loss counts once; within an accumulation window it is kept."""
        unknown = tf.constant(np.nan, tf.float32)
        steps = self.gradient_accumulation_steps
        if steps:
            ended = tf.equal(tf.math.floormod(self._iterations.value, steps), 0)
            unknown = tf.where(ended, unknown, tf.convert_to_tensor(self._loss.value))
        self._loss.assign(unknown)

    def _merges(self):
        replica = tf.distribute.get_replica_context()
        return (
            tf.distribute.has_strategy()
            and replica is not None
            and replica.num_replicas_in_sync > 1
            and not tf.__internal__.distribute.strategy_supports_no_merge_call()
        )

    def _apply_across_replicas(self, grads, trainable_variables):
        # A condition whose branches merge replicas has to stand outside of them, as in
        # Keras's own LossScaleOptimizer.
        context = tf.distribute.get_replica_context()
        finite = tf.cast(_all_finite([_values(g) for g in grads if g is not None]), tf.float32)
        finite = context.all_reduce(tf.distribute.ReduceOp.SUM, finite)

        def merged(distribution, finite, grads, variables):
            everywhere = distribution.experimental_local_results(finite)[0]
            everywhere = tf.equal(everywhere, float(distribution.num_replicas_in_sync))

            def apply():
                distribution.extended.call_for_each_replica(
                    self._apply_finite, args=(grads, variables)
                )

            tf.cond(everywhere, apply, self._skip)
            self._loss.assign(np.nan)

        context.merge_call(merged, args=(finite, grads, trainable_variables))

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        variables = [_tf_variable(v) for v in trainable_variables]
        reduced = self._all_reduce_sum_gradients(list(zip(grads, variables, strict=True)))
        given = {self._get_variable_index(v): tf.convert_to_tensor(g) for g, v in reduced}
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
        state = rules.RuleState(
            [{k: tf.convert_to_tensor(s.value) for k, s in slot.items()} for slot in slots],
            {k: tf.convert_to_tensor(v.value) for k, v in self._shared.items()},
        )
        context = rules.Context(
            iteration=self.iterations,
            loss=tf.convert_to_tensor(self._loss.value),
            total_steps=tf.constant(
                np.nan if self.total_steps is None else self.total_steps, tf.float32
            ),
        )
        rule = self._rule
        if self._meta_params:
            rule = rule.bind(
                {k: tf.convert_to_tensor(v.value) for k, v in self._meta_params.items()}
            )
        updates, new_state = rule.update(gradients, state, values, context)
        targets, new_values = [], []
        for index, variable, value, update in zip(indices, variables, values, updates, strict=True):
            if index in given:  # What has no gradient stays where it is.
                targets.append(variable)
                step = tf.cast(learning_rate, update.dtype) * update
                new_values.append(_finite_sum(value, step))
        for slot, new in zip(slots, new_state.variables, strict=True):
            for name, variable in slot.items():
                targets.append(variable.value)
                new_values.append(tf.cast(new[name], variable.value.dtype))
        for name, variable in self._shared.items():
            targets.append(variable.value)
            new_values.append(tf.cast(new_state.shared[name], variable.value.dtype))
        tf.__internal__.distribute.interim.maybe_merge_call(
            _assign_all, self._distribution_strategy, targets, new_values
        )

    # Saving.

    def get_config(self):
        """Configuration: the preset's name and the rule's description, no weights."""
        config = super().get_config()
        config.update(
            preset=self._preset,
            rule=rules.serialize(self._rule),
            total_steps=self.total_steps,
            state_dtype=self.state_dtype,
        )
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """An optimizer from `get_config()`.

        The weights come from the preset if it is there and still holds the same rule;
        otherwise they are awaited from the file that is being loaded.
        """
        config = dict(config)
        preset, described = config.pop("preset", None), config.pop("rule", None)
        pending = False
        if isinstance(described, dict):
            rule = rules.deserialize(described)
            if preset is not None:
                try:
                    shipped = presets.load_preset(preset)
                    if rules.serialize(shipped) == rules.serialize(rule):
                        rule = shipped
                    else:
                        pending = True
                except (ValueError, OSError):
                    pending = True
            else:
                pending = bool(rule.meta_params)
            optimizer = super().from_config({**config, "rule": rule}, custom_objects)
            optimizer._preset = preset
            optimizer._weights_pending = pending
            return optimizer
        config.update(preset=preset, rule=described)
        return super().from_config(config, custom_objects)

    def load_own_variables(self, store):
        """Load saved variables; all of them fit, or none is changed.

        Raises:
            ValueError: If the number of variables or a shape differs.
        """
        variables = self.variables
        expected = [tuple(v.shape) for v in variables]
        received = [tuple(np.shape(store[str(i)])) for i in range(len(store.keys()))]
        if expected != received:
            raise ValueError(
                f"The saved optimizer does not fit {self.name!r}: expected {len(expected)} "
                f"variables of shapes {_short(expected)}. Received: {len(received)} of shapes "
                f"{_short(received)}"
            )
        for index, variable in enumerate(variables):
            variable.assign(store[str(index)])
        self._weights_pending = False

    def check_weights(self):
        """Raise a `ValueError` if the rule's weights were never loaded."""
        if self._weights_pending and self.built and self._meta_params:
            before = self._rule.meta_params
            self._weights_pending = tf.executing_eagerly() and all(
                np.array_equal(v.numpy(), before[k]) for k, v in self._meta_params.items()
            )
        if self._weights_pending:
            raise ValueError(
                "This optimizer was made from a configuration alone and its rule's weights "
                "were never loaded: load them, or use LearnedOptimizer.from_preset. "
                f"Received: rule={self._rule!r}, preset={self._preset!r}"
            )


def _resolve(preset, rule):
    """Name of the preset (or None) and the rule that two constructor arguments mean."""
    if preset is not None and rule is not None:
        raise ValueError(
            f"Give `preset` or `rule`, not both. Received: preset={preset!r}, rule={rule!r}"
        )
    if isinstance(rule, rules.UpdateRule):
        return None, rule
    if rule is not None:
        if not isinstance(rule, str):
            raise ValueError(f"`rule` is a name or an UpdateRule. Received: rule={rule!r}")
        untrained = rules.get(rule)
        if not untrained.meta_params:
            return None, untrained
        preset = presets.preset_for_rule(rule)
    elif preset is None:
        preset = presets.default_preset()
    if not isinstance(preset, str | pathlib.Path):
        raise ValueError(f"`preset` is a name or a directory. Received: preset={preset!r}")
    return str(preset), presets.load_preset(preset)


class _Spec:
    """Shape and dtype of a variable: all that `rule.init` looks at."""

    def __init__(self, variable):
        self.shape = tuple(variable.shape)
        self.dtype = keras.backend.standardize_dtype(variable.dtype)


def _tf_variable(variable):
    return variable.value if isinstance(variable, keras.Variable) else variable


def _constant(value):
    return lambda shape, dtype=None: tf.cast(tf.reshape(value, shape), dtype)


def _slot_prefix(variable):
    path = getattr(variable, "path", None) or variable.name
    return str(path).replace("/", "_").replace(":", "_")


def _values(gradient):
    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def _all_finite(tensors):
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(t)) for t in tensors])


def _finite_sum(value, update):
    """`value + update`, kept within the range of a variable in half precision."""
    if value.dtype in (tf.float16, tf.bfloat16):
        largest = float(value.dtype.max)
        total = tf.cast(value, tf.float32) + tf.cast(update, tf.float32)
        return tf.cast(tf.clip_by_value(total, -largest, largest), value.dtype)
    return value + tf.cast(update, value.dtype)


def _assign_all(distribution, targets, values):
    for target, value in zip(targets, values, strict=True):
        distribution.extended.update(
            target, lambda variable, new: variable.assign(new), args=(value,), group=False
        )


def _short(shapes):
    return shapes if len(shapes) <= 12 else [*shapes[:12], "…"]


def _observe_scaled_losses():
    """Let `LossScaleOptimizer` show the loss to a learned optimizer inside it.

    Under mixed_float16 `Model.compile` wraps the optimizer, and the wrapper does not
    forward `scale_loss`. Its class is extended once, so that users' code stays as it is.
    """
    original = LossScaleOptimizer.scale_loss
    if getattr(original, "observes_learned_optimizers", False):
        return

    def scale_loss(self, loss):
        if isinstance(self.inner_optimizer, LearnedOptimizer):
            self.inner_optimizer.observe_loss(loss)
        return original(self, loss)

    scale_loss.observes_learned_optimizers = True
    LossScaleOptimizer.scale_loss = scale_loss
