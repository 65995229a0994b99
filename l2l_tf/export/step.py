"""An optimizer's step alone as a SavedModel: pure functions of explicit state."""

import contextlib
import os
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from l2l_tf import rules
from l2l_tf.export.destination import check_destination, write_saved_model
from l2l_tf.optimizer import LearnedOptimizer

_COUNTERS = ("iteration", "skipped_steps")


def export_step(
    optimizer: LearnedOptimizer, directory: str | os.PathLike, shapes: Sequence | None = None
) -> None:
    """Write the step of a `LearnedOptimizer` as a SavedModel that needs only TensorFlow.

    ```python
    export_step(LearnedOptimizer(), "step", shapes=[p.shape for p in params])
    step = tf.saved_model.load("step")
    state = step.init(params)
    updates, state = step.update(gradients, state, params, loss, total_steps)
    params = [p + u for p, u in zip(params, updates)]
    ```

    Without `shapes`, params, gradients and updates are one float32 vector `[n]` of any
    length; with them, lists of float32 tensors of these shapes. `loss` is that of the
    gradients, `total_steps` the length of the run, both float32 scalars, NaN if unknown
    (`total_steps` is then the optimizer's own, if it has one). The state is a flat dict of
    tensors: `iteration` (int64), `skipped_steps` (int64), and the slots by name, behind
    `{index}/` with `shapes` and behind `shared/` if they belong to all tensors.

    The step is that of `optimizer.apply` on these tensors as its variables: gradients are
    clipped as the optimizer says (`clipnorm` takes the norm of each tensor, so of the whole
    vector without `shapes`), weights decay, the update is multiplied by `learning_rate` (a
    schedule is evaluated at `iteration`; anything else keeps the value of now), and a
    step whose gradients hold NaN or Inf updates nothing and is counted.

    The same functions are the signatures `init` and `update`, whose tensors are named:
    `params`, `gradients`, `updates` (behind `_{index}` with `shapes`), and the state's.

    Args:
        optimizer: `LearnedOptimizer`; its weights are those of now, its slots start anew.
        directory: Path of a new or empty directory; it appears whole or not at all.
        shapes: List of shapes; needed by rules that are not coordinatewise.

    Raises:
        TypeError: If it is no `LearnedOptimizer`.
        ValueError: If the rule needs `shapes`, a shape is not static, or the optimizer
            averages weights, accumulates gradients, scales the loss, excludes variables
            from weight decay or gives them learning rates of their own: those belong to a
            model's training.
        FileExistsError: If `directory` exists and is not empty.
    """
    path = check_destination(directory)
    _check_optimizer(optimizer)
    optimizer.check_weights()
    if shapes is None and not optimizer.rule.coordinatewise:
        raise ValueError(
            "This rule looks at whole tensors: give the `shapes` of the parameters. "
            f"Received: rule={optimizer.rule!r}, shapes=None"
        )
    module = _Step(optimizer, None if shapes is None else _static(shapes))
    with _without_advice_on_names():
        write_saved_model(module, path, module.signatures())


@contextlib.contextmanager
def _without_advice_on_names() -> Iterator[None]:
    """TensorFlow warns of names of inputs that are none of Python's; `0/mean` is meant."""

    def wanted(record):
        return "Sanitizing" not in record.getMessage()

    logger = logging.get_absl_logger()
    logger.addFilter(wanted)
    try:
        yield
    finally:
        logger.removeFilter(wanted)


class _Step(tf.Module):
    """`init` and `update`, with the rule's meta-parameters as variables."""

    def __init__(self, optimizer, shapes):
        super().__init__(name="step")
        self._optimizer = optimizer
        rule = optimizer.rule
        self.meta_params = {
            name: tf.Variable(value, trainable=False, name=name)
            for name, value in rule.meta_params.items()
        }
        self._rule = rule
        self._rate = float(optimizer.learning_rate)
        self._flat = shapes is None
        specs = [tf.TensorSpec(s, tf.float32) for s in ([(None,)] if self._flat else shapes)]
        self._specs = specs[0] if self._flat else specs
        scalar = tf.TensorSpec((), tf.float32)
        self.init = tf.function(self._init, autograph=False, input_signature=[self._specs])
        state = self.init.get_concrete_function().structured_outputs
        self._state = {k: tf.TensorSpec(v.shape, v.dtype) for k, v in state.items()}
        self.update = tf.function(
            self._update, input_signature=[self._specs, self._state, self._specs, scalar, scalar]
        )

    def signatures(self):
        """`init` and `update` as signatures, whose arguments are tensors with names."""
        params = self._named("params")
        gradients = self._named("gradients")
        scalars = [tf.TensorSpec((), tf.float32, name=n) for n in ("loss", "total_steps")]
        state = [tf.TensorSpec(s.shape, s.dtype, name=k) for k, s in self._state.items()]

        def init(*tensors):
            return self.init(self._packed(tensors))

        def update(*tensors):
            parts = tf.nest.pack_sequence_as([gradients, params, scalars, state], list(tensors))
            gradient, param, (loss, total_steps), values = parts
            before = dict(zip(self._state, values, strict=True))
            updates, after = self.update(
                self._packed(gradient), before, self._packed(param), loss, total_steps
            )
            named = zip(self._named("updates"), tf.nest.flatten(updates), strict=True)
            return {**{spec.name: value for spec, value in named}, **after}

        return {
            "init": tf.function(init, autograph=False).get_concrete_function(*params),
            "update": tf.function(update, autograph=False).get_concrete_function(
                *gradients, *params, *scalars, *state
            ),
        }

    def _named(self, name):
        specs = tf.nest.flatten(self._specs)
        names = [name] if self._flat else [f"{name}_{i}" for i in range(len(specs))]
        return [tf.TensorSpec(s.shape, s.dtype, name=n) for s, n in zip(specs, names, strict=True)]

    def _packed(self, tensors):
        return tensors[0] if self._flat else list(tensors)

    def _init(self, params):
        state = self._rule.init(tf.nest.flatten(params), self._optimizer.state_dtype)
        counters = {name: tf.zeros((), tf.int64) for name in _COUNTERS}
        return {**counters, **self._named_slots(state)}

    def _named_slots(self, state):
        named = {f"shared/{name}": value for name, value in state.shared.items()}
        for index, slots in enumerate(state.variables):
            prefix = "" if self._flat else f"{index}/"
            named.update({f"{prefix}{name}": value for name, value in slots.items()})
        return {k: tf.convert_to_tensor(v) for k, v in named.items()}

    def _rule_state(self, state):
        shared, variables = {}, [{} for _ in tf.nest.flatten(self._specs)]
        for key, value in state.items():
            prefix, slash, name = key.partition("/")
            if key in _COUNTERS:
                continue
            if prefix == "shared" and slash:
                shared[name] = value
            elif slash:
                variables[int(prefix)][name] = value
            else:
                variables[0][key] = value
        return rules.RuleState(variables, shared)

    def _update(self, gradients, state, params, loss, total_steps):
        optimizer = self._optimizer
        flat = tf.nest.flatten(gradients)
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in flat])
        rate = self._rate
        if optimizer.schedule is not None:
            rate = tf.cast(optimizer.schedule(state["iteration"]), tf.float32)
        own = np.nan if optimizer.total_steps is None else optimizer.total_steps
        total_steps = tf.where(tf.math.is_nan(total_steps), tf.cast(own, tf.float32), total_steps)
        # As in the optimizer: what was skipped is part of the run, unseen by the slots.
        skipped = state["skipped_steps"]
        context = rules.Context(state["iteration"] - skipped, loss, total_steps, -skipped)
        decays = [-rate * (optimizer.weight_decay or 0.0) * p for p in tf.nest.flatten(params)]
        decayed = [p + d for p, d in zip(tf.nest.flatten(params), decays, strict=True)]
        rule = self._rule
        if self.meta_params:
            rule = rule.bind({k: tf.convert_to_tensor(v) for k, v in self.meta_params.items()})
        rule, factor = rule.at_learning_rate(rate)
        updates, after = rule.update(
            _clipped(optimizer, flat), self._rule_state(state), decayed, context
        )
        updates = [
            tf.where(finite, d + factor * tf.cast(u, d.dtype), tf.zeros_like(d))
            for d, u in zip(decays, updates, strict=True)
        ]
        after = {
            name: tf.where(finite, tf.cast(value, state[name].dtype), state[name])
            for name, value in self._named_slots(after).items()
        }
        after["iteration"] = state["iteration"] + 1
        after["skipped_steps"] = state["skipped_steps"] + tf.cast(~finite, tf.int64)
        return tf.nest.pack_sequence_as(gradients, updates), after


def _clipped(optimizer, gradients):
    if optimizer.clipnorm:
        return [tf.clip_by_norm(g, optimizer.clipnorm) for g in gradients]
    if optimizer.global_clipnorm:
        return tf.clip_by_global_norm(gradients, optimizer.global_clipnorm)[0]
    if optimizer.clipvalue:
        limit = optimizer.clipvalue
        return [tf.clip_by_value(g, -limit, limit) for g in gradients]
    return gradients


def _check_optimizer(optimizer):
    if not isinstance(optimizer, LearnedOptimizer):
        raise TypeError(f"export_step takes a LearnedOptimizer. Received: {optimizer!r}")
    belongs_to_training = {
        "use_ema": optimizer.use_ema,
        "gradient_accumulation_steps": optimizer.gradient_accumulation_steps,
        "loss_scale_factor": optimizer.loss_scale_factor,
        "learning_rate_multipliers": dict(optimizer.learning_rate_multipliers),
        "exclude_from_weight_decay": optimizer.weight_decay
        and optimizer.excludes_from_weight_decay,
    }
    for name, value in belongs_to_training.items():
        if value:
            raise ValueError(
                f"A step alone does not know `{name}`; export the model with its training, or "
                f"an optimizer without it. Received: {name}={value!r}"
            )


def _static(shapes):
    try:
        static = [tuple(int(d) for d in shape) for shape in shapes]
    except TypeError as error:
        raise ValueError(
            f"`shapes` is a list of tuples of integers. Received: shapes={shapes!r}"
        ) from error
    if not static or any(d < 0 for shape in static for d in shape):
        raise ValueError(
            f"`shapes` names at least one shape, of integers ≥ 0. Received: shapes={shapes!r}"
        )
    return static
