"""`cost_report`: any Keras model, as what is measured."""

import inspect
from typing import Any

import keras
import tensorflow as tf
from keras.src.trainers.compile_utils import CompileLoss

from l2l_tf.core.checks import check_integer
from l2l_tf.evaluation.cost.batches import made_inputs
from l2l_tf.evaluation.cost.measured import measured
from l2l_tf.evaluation.cost.report import CostReport
from l2l_tf.optimizer import LearnedOptimizer
from l2l_tf.tasks.keras_model import stateless_outputs


def cost_report(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer | str | None = None,
    inputs: Any = None,
    labels: Any = None,
    batch_size: int = 32,
    repeats: int = 7,
    jit_compile: bool | None = None,
) -> CostReport:
    """What an optimizer costs on a Keras model: operations, bytes, and time beside Adam's.

    ```python
    print(cost_report(model, LearnedOptimizer()))
    ```

    Steps are taken on copies of the model's variables with a fresh optimizer of the same
    configuration: model, weights and a compiled optimizer stay as they are. Steps without an
    optimizer, with Adam and with the optimizer take turns, and medians count. Operations are
    counted by `cost.flops`, which says what is left out. It needs TensorFlow.

    Args:
        model: Any built `keras.Model`, compiled or not.
        optimizer: Keras optimizer or its name; None: `LearnedOptimizer()`.
        inputs: A batch of what the model is called with, nested arrays `[rows, …]`; None:
            random numbers of the model's input shapes.
        labels: Labels of that batch, for the loss that the model was compiled with; None: the
            loss is the mean square of the outputs, with the losses that layers add.
        batch_size: Rows of a batch that is made.
        repeats: Interleaved rounds.
        jit_compile: Whether XLA compiles whole steps; None: as the model was compiled, or as
            Keras decides by itself.

    Returns:
        `CostReport`.

    Raises:
        TypeError: If `model` or `optimizer` is something else.
        ValueError: If the model is not built, has nothing to train or no loss for the labels, or
            is called with several arguments, if inputs cannot be made, or Keras runs on another
            backend.
    """
    _check(model, labels)
    check_integer("batch_size", batch_size, min=1)
    check_integer("repeats", repeats, min=1)
    jit_compile = _jit_compile(model) if jit_compile is None else jit_compile
    inputs = made_inputs(model, batch_size) if inputs is None else _tensors(inputs)
    batch = (inputs, None if labels is None else _tensors(labels))
    start = (
        [v.path for v in model.trainable_variables],
        [v.numpy() for v in model.trainable_variables],
        [tf.convert_to_tensor(v.numpy()) for v in model.non_trainable_variables],
    )
    return measured(
        _objective(model, start, batch), start, batch, _optimizer(optimizer), repeats, jit_compile
    )


def _check(model, labels):
    if keras.config.backend() != "tensorflow":
        raise ValueError(
            "`cost_report` measures under Keras's TensorFlow backend: set KERAS_BACKEND before "
            f"Keras is imported. Received: KERAS_BACKEND={keras.config.backend()}"
        )
    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` is a keras.Model. Received: model={model!r}")
    if not model.built or not model.trainable_variables:
        raise ValueError(
            "`model` is built and has something to train: give it an Input, or call it on a "
            f"batch. Received: {model.name!r}, built={model.built}, "
            f"{len(model.trainable_variables)} trainable variables"
        )
    needed = _needed_arguments(model)
    if len(needed) > 1:
        raise ValueError(
            "`model` is called with one argument, which may be a list or dict of inputs. "
            f"Received: {model.name!r}, called with {', '.join(needed)}"
        )
    if labels is not None and getattr(model, "loss", None) is None:
        raise ValueError(
            "`labels` are for the loss that a model was compiled with. "
            f"Received: labels with {model.name!r}, which has no loss"
        )


def _needed_arguments(model):
    """Names of what the model cannot be called without."""
    parameters = inspect.signature(model.call).parameters.values()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [p.name for p in positional if p.default is p.empty]


def _tensors(nested):
    return keras.tree.map_structure(tf.convert_to_tensor, nested)


def _jit_compile(model):
    """As `compile` has it; asked of the model without its remembering an answer."""
    return bool(model.jit_compile if model.compiled else model._resolve_auto_jit_compile())


def _objective(model, start, batch):
    """A pure function of `(params, model_state, batch)`, for `TrainStep`."""
    loss_of = _mean_square
    if batch[1] is not None:
        loss_of = CompileLoss(
            model.loss,
            model._compile_loss._user_loss_weights,
            output_names=model._compile_loss.output_names,
        )
        # It makes its metrics when it is first called.
        outputs, *_ = stateless_outputs(model, *start[1:], batch[0], training=True)
        loss_of(batch[1], outputs)

    def objective(params, model_state, batch):
        outputs, losses, model_state = stateless_outputs(
            model, params, model_state, batch[0], training=True
        )
        losses = [loss_of(batch[1], outputs), *losses]
        loss = tf.add_n([tf.reduce_sum(tf.cast(value, tf.float32)) for value in losses])
        return loss, loss, model_state

    return objective


def _mean_square(_, outputs):
    outputs = [tf.cast(t, tf.float32) for t in keras.tree.flatten(outputs)]
    return tf.add_n([tf.reduce_mean(tf.square(t)) for t in outputs])


def _optimizer(given):
    """The optimizer that is meant; it is never built here."""
    if given is None:
        return LearnedOptimizer()
    made = keras.optimizers.get(given) if isinstance(given, str) else given
    if not isinstance(made, keras.optimizers.Optimizer):
        raise TypeError(f"`optimizer` is a Keras optimizer or its name. Received: {given!r}")
    return made
