"""The one place that extends Keras's classes, each of them once and only as it is known here.

Keras shows an optimizer neither the arguments of `fit` nor what `LossScaleOptimizer` keeps to
itself. A few methods of its classes are therefore extended when this package is
imported; optimizers of other classes notice nothing. A method that takes other arguments than are
expected is left alone, with a warning that says what to write instead.
"""

import functools
import inspect
import warnings

import keras

from l2l_tf.optimizer import extending, games, saved_state
from l2l_tf.optimizer.backends import BACKEND
from l2l_tf.optimizer.batch_rows import rows_of_batches
from l2l_tf.optimizer.callback_lists import GivenList, every_callback
from l2l_tf.optimizer.extending import Extension
from l2l_tf.optimizer.first_step import FirstStep
from l2l_tf.optimizer.rule_optimizer import RuleOptimizer
from l2l_tf.optimizer.run_length import RunLength, rule_optimizer_of
from l2l_tf.optimizer.skips import SkipWarning, batches_between

# State from a file, until the variables are known.
_AWAITED = "_awaited_around_rule"


def install():
    """Extend Keras's classes, where they are as they are known."""
    extending.install(EXTENSIONS)


def _fit(self, original, *args, **kwargs):
    """Keras tells callbacks nothing of a batch's rows, nor a list but its own how long a run is."""
    optimizer = rule_optimizer_of(self)
    if optimizer is None:
        return original(self, *args, **kwargs)
    given = inspect.signature(original).bind(self, *args, **kwargs).arguments
    optimizer.tell_batch_rows(rows_of_batches(given.get("x"), given.get("batch_size")))
    try:
        if isinstance(given.get("callbacks"), keras.callbacks.CallbackList):
            return _fit_with_list(self, original, given)
        return original(self, *args, **kwargs)
    finally:
        optimizer.tell_batch_rows(None)


def _fit_with_list(self, original, given):
    callbacks = given["callbacks"]
    # With `verbose=0` Keras adds no progress bar, as it adds none to a list that it is given.
    original(**{**given, "callbacks": [GivenList(callbacks)], "verbose": 0})
    for callback in every_callback([callbacks]):
        if isinstance(callback, keras.callbacks.History):
            self.history = callback  # The user's own, in place of the one that Keras added.
    return self.history


def _on_train_begin(self, original, logs=None):
    """Whichever list of callbacks a run begins with, length and skipped steps are minded."""
    model = getattr(self, "model", None)
    optimizer = rule_optimizer_of(model)
    if optimizer is None or optimizer.fit_begins:  # What is minded stands in the list around.
        return original(self, logs)
    callbacks = list(every_callback(self.callbacks))
    for kind in (RunLength, SkipWarning, FirstStep):
        if not any(isinstance(callback, kind) for callback in callbacks):
            callback = kind()
            callback.set_model(model)
            callback.set_params(self.params)
            self.callbacks.append(callback)
            callbacks.append(callback)
    for callback in callbacks:
        if isinstance(callback, RunLength):
            callback.beside = callbacks
    optimizer.fit_begins = True
    try:
        original(self, logs)
    finally:
        optimizer.fit_begins = False


def _load_weights(self, original, *args, **kwargs):
    """`load_model` builds an optimizer before it loads its state; `load_weights` builds none.

    The state would wait for the first step, and whoever looks before it would not see it. Into
    layers that were never built Keras loads nothing, without a word.
    """
    original(self, *args, **kwargs)
    optimizer = rule_optimizer_of(self)
    if optimizer is None:
        return
    if optimizer.awaits_state:
        _build_if_known(self, optimizer)
    if BACKEND.functional:
        self.train_function = None  # The weights that a rule had before are constants in it.


def _build_if_known(model, optimizer):
    unbuilt = [layer.name for layer in model._flatten_layers() if not layer.built]
    if unbuilt and not model.trainable_variables:
        optimizer.reset()
        warnings.warn(
            f"No weights were loaded, nor the state of {optimizer.name!r}: layers of the model are "
            f"not built. Call it on some data before `load_weights`. Received: {unbuilt}",
            stacklevel=2,
        )
    elif not unbuilt:
        with BACKEND.scope_of(model):
            model.optimizer.build(model.trainable_variables)


def _compile(self, original, *args, **kwargs):
    """A model says whether it is compiled by XLA, which an optimizer is not told.

    What Keras finds for "auto" is no wish of the user's: without a GPU it finds False.
    """
    original(self, *args, **kwargs)
    optimizer = rule_optimizer_of(self)
    if optimizer is not None:
        given = inspect.signature(original).bind(self, *args, **kwargs).arguments
        wished = given.get("jit_compile", "auto") != "auto" or self.run_eagerly
        optimizer.model_jit_compile = bool(self.jit_compile) if wished else None
        optimizer.model_runs_eagerly = bool(self.run_eagerly)


def _train_on_batch(self, original, *args, **kwargs):
    """There are no callbacks here to mind skipped steps, nor one program that holds two players."""
    result = original(self, *args, **kwargs)
    optimizer = rule_optimizer_of(self)
    if optimizer is not None:
        games.note_batch(self, rule_optimizer_of)
        optimizer.batches_alone += 1
        if optimizer.batches_alone % batches_between(optimizer) == 0:
            optimizer.watch_skips()
    return result


def _around_a_rule(extended):
    """The same for loss scaling around a `RuleOptimizer` alone."""

    @functools.wraps(extended)
    def method(self, original, *args):
        if isinstance(self.inner_optimizer, RuleOptimizer):
            return extended(self, original, *args)
        return original(self, *args)

    return method


@_around_a_rule
def _scale_loss(self, original, loss):
    self.inner_optimizer.observe_loss(loss)
    return original(self, loss)


@_around_a_rule
def _handle_non_finite_gradients(self, original):
    original(self)
    self.inner_optimizer.loss_scaled = True
    self.inner_optimizer.skip_step()


@_around_a_rule
def _build(self, original, variables):
    awaited = getattr(self, _AWAITED, None)
    if awaited is None:
        return original(self, variables)
    with BACKEND.outside():  # What a traced step creates has no value before the trace ends.
        original(self, variables)
        _assign(self, awaited)
    setattr(self, _AWAITED, None)


@_around_a_rule
def _save_own_variables(self, original, store):
    """Saved is also what of the optimizer inside is no part of `variables`."""
    del original
    arrays = [v.numpy() for v in self._variables] + self.inner_optimizer.saved_values()
    saved_state.write(store, arrays, self.inner_optimizer.origin())


@_around_a_rule
def _load_own_variables(self, original, store):
    del original
    saved = saved_state.read(store)
    if saved is not None and saved.wrapper:
        _assign(self, saved)
        if not self.built:
            setattr(self, _AWAITED, saved)
    self.inner_optimizer.load_own_variables(store)
    self.inner_optimizer.loaded_by_wrapper = True


def _assign(optimizer, saved):
    names = list(saved_state.WRAPPER)[: len(optimizer._variables)]
    for name, variable in zip(names, optimizer._variables, strict=False):
        if name in saved.wrapper:
            variable.assign(saved.wrapper[name])


EXTENSIONS = [
    Extension(
        keras.callbacks.CallbackList,
        {"on_train_begin": (("self", "logs"), _on_train_begin)},
        "give `fit` callbacks=[l2l_tf.RunLength()], or the optimizer `total_steps`",
    ),
    Extension(
        next(cls for cls in keras.Model.__mro__ if "fit" in vars(cls)),
        {
            "fit": (
                (
                    "self",
                    "x",
                    "y",
                    "batch_size",
                    "epochs",
                    "verbose",
                    "callbacks",
                    "validation_split",
                    "validation_data",
                    "shuffle",
                    "class_weight",
                    "sample_weight",
                    "initial_epoch",
                    "steps_per_epoch",
                    "validation_steps",
                    "validation_batch_size",
                    "validation_freq",
                ),
                _fit,
            )
        },
        "give a `CallbackList` of your own `epochs` and `steps`, and before `fit` call "
        "model.optimizer.tell_batch_rows(batch_size)",
    ),
    Extension(
        keras.Model,
        {"load_weights": (("self", "filepath", "skip_mismatch", "kwargs"), _load_weights)},
        "after `load_weights` call model.optimizer.build(model.trainable_variables)",
    ),
    Extension(
        # The class itself: models whose `compile` is another are not compiled when loaded.
        next(cls for cls in keras.Model.__mro__ if "compile" in vars(cls)),
        {
            "compile": (
                (
                    "self",
                    "optimizer",
                    "loss",
                    "loss_weights",
                    "metrics",
                    "weighted_metrics",
                    "run_eagerly",
                    "steps_per_execution",
                    "jit_compile",
                    "auto_scale_loss",
                ),
                _compile,
            )
        },
        "where XLA is not to be used, give the optimizer jit_compile=False, too",
    ),
    Extension(
        next(cls for cls in keras.Model.__mro__ if "train_on_batch" in vars(cls)),
        {
            "train_on_batch": (
                ("self", "x", "y", "sample_weight", "class_weight", "return_dict"),
                _train_on_batch,
            )
        },
        "with `train_on_batch` call optimizer.watch_skips() now and then, and in a game of two "
        "optimizer.contest() for both",
    ),
    Extension(
        keras.optimizers.LossScaleOptimizer,
        {
            "scale_loss": (("self", "loss"), _scale_loss),
            "_stateful_handle_non_finite_grads": (("self",), _handle_non_finite_gradients),
            "build": (("self", "var_list"), _build),
            "save_own_variables": (("self", "store"), _save_own_variables),
            "load_own_variables": (("self", "store"), _load_own_variables),
        },
        "compile with auto_scale_loss=False; inside of loss scaling a rule hears of no loss, and "
        "is not saved whole",
    ),
]
if keras.config.backend() == "jax":
    from l2l_tf.optimizer.jax_extensions import JAX_EXTENSIONS

    EXTENSIONS += JAX_EXTENSIONS
