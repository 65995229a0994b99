"""A compiled Keras model as a SavedModel that goes on training without Keras."""

import os
import re
from typing import Any

import keras
import tensorflow as tf
from keras.src.export.export_utils import get_input_signature, make_input_spec

from l2l_tf.export.destination import check_destination, write_saved_model

_SPARSE = (
    keras.losses.sparse_categorical_crossentropy,
    keras.losses.get("sparse_categorical_crossentropy"),
)


def export_training(
    compiled_model: keras.Model, directory: str | os.PathLike, y_spec: Any = None
) -> None:
    """Write a compiled model, its optimizer's state included, as a trainable SavedModel.

    ```python
    export_training(model, "exported")
    loaded = tf.saved_model.load("exported")    # needs only tensorflow
    logs = loaded.train_step(x, y)              # {"loss": …, metrics …} of this batch
    outputs = loaded.predict(x)
    tf.saved_model.save(loaded, "trained_on", signatures=loaded.signatures)  # slots included
    ```

    `train_step` is the model's own `train_step`: loss and regularisation losses, the
    optimizer with clipping, decay and accumulation, batch statistics and dropout seeds.
    What it returns is measured on its batch alone. With `use_ema` there is also
    `finalize()`, which writes the averages over the weights, as `fit` does at its end.
    `iterations()` tells the steps taken, `optimizer_variables` holds the slots by name.

    To be served and converted, the functions are signatures as well: `train_step` takes `x`
    and `y` (`x_{name}` or `x_{index}` where they are nested) and gives the logs by name,
    `iterations` and `finalize` give `iterations`, and `serving_default` is `predict`; nested
    outputs are called `output_{name}`.

    Args:
        compiled_model: A compiled `keras.Model` with any Keras optimizer. It may be new;
            one without input shapes must have been called once.
        directory: Path of a new or empty directory; it appears whole or not at all.
        y_spec: `tf.TensorSpec` of the targets, nested as the model takes them. By
            default int64 without the class axis for sparse categorical losses, else
            float32 of the output's shape.

    Raises:
        TypeError: If it is no `keras.Model`.
        ValueError: If the model is not compiled, not built, or has no Keras optimizer,
            or if `y_spec` is needed.
        FileExistsError: If `directory` exists and is not empty.
    """
    path = check_destination(directory)
    x_spec, y_spec = prepared(compiled_model, y_spec)
    module = Training(compiled_model, x_spec, y_spec)
    write_saved_model(module, path, module.signatures(x_spec, y_spec))


def prepared(compiled_model, y_spec=None):
    """Check a model and make all of its variables; returns the specs of inputs and targets.

    Args:
        compiled_model: As in `export_training`.
        y_spec: Spec of the targets, or None where it follows from the loss.
    """
    _check_model(compiled_model)
    x_spec = _input_spec(compiled_model)
    if y_spec is None:
        y_spec = _target_spec(compiled_model, x_spec)
    # What `fit` does before its first step: all variables exist before any function is traced.
    compiled_model._symbolic_build(data_batch=(x_spec, y_spec))
    return x_spec, y_spec


def with_batch_size(spec, batch_size):
    """The same specs for batches of one size."""
    return keras.tree.map_structure(
        lambda s: tf.TensorSpec((batch_size, *s.shape[1:]), s.dtype, name=s.name), spec
    )


class Training(tf.Module):
    """Model, optimizer, and the functions over them that a SavedModel keeps.

    Args:
        model: As `prepared` leaves it.
        x_spec: Specs of the inputs.
        y_spec: Specs of the targets.
    """

    def __init__(self, model, x_spec, y_spec):
        super().__init__(name="training")
        self.model = model
        self.optimizer = model.optimizer
        inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        self.optimizer_variables = {v.path: v.value for v in inner.variables}

        def train_step(x, y):
            # Metrics run on over the batches of an epoch, which nobody ends here.
            model.reset_metrics()
            logs = model.train_step((x, y))
            if "loss" not in logs:
                raise ValueError(f"The model's train_step gives no 'loss'. Received: {list(logs)}")
            return logs

        def predict(x):
            return model.predict_step((x,))

        self.train_step = tf.function(train_step, autograph=False, input_signature=[x_spec, y_spec])
        self.predict = tf.function(predict, autograph=False, input_signature=[x_spec])
        self.iterations = tf.function(
            lambda: tf.convert_to_tensor(inner.iterations), input_signature=[]
        )
        if inner.use_ema:
            self.finalize = tf.function(
                lambda: inner.finalize_variable_values(model.trainable_variables),
                input_signature=[],
            )
        # Metrics and losses are no trackables of the model; whatever variable is used is kept.
        self.used_variables = list(self.train_step.get_concrete_function().graph.variables)

    def signatures(self, x_spec, y_spec):
        """The functions as signatures, whose arguments and results are tensors with names."""
        x, y = _named(x_spec, "x"), _named(y_spec, "y")

        def train_step(*tensors):
            inputs = keras.tree.pack_sequence_as(x_spec, tensors[: len(x)])
            targets = keras.tree.pack_sequence_as(y_spec, tensors[len(x) :])
            logs = self.train_step(inputs, targets)
            return {name: tf.convert_to_tensor(value) for name, value in logs.items()}

        def iterations():
            return {"iterations": self.iterations()}

        def finalize():
            self.finalize()
            return iterations()

        made = {"train_step": _signature(train_step, x + y), "iterations": _signature(iterations)}
        if hasattr(self, "finalize"):
            made["finalize"] = _signature(finalize)
        outputs = self.predict.get_concrete_function().structured_outputs
        single = isinstance(x_spec, tf.TensorSpec) and isinstance(outputs, tf.Tensor)
        made["serving_default"] = self.predict if single else self.inference(x_spec)
        return made

    def inference(self, x_spec):
        """`predict` as a signature, whose inputs and outputs are tensors with names."""

        def predict(*tensors):
            outputs = self.predict(keras.tree.pack_sequence_as(x_spec, tensors))
            return _by_name(outputs, "output")

        return _signature(predict, _named(x_spec, "x"))


def _signature(function, specs=()):
    return tf.function(function, autograph=False).get_concrete_function(*specs)


def _by_name(structure, name):
    """Dict of what is in a structure: by `name` alone, or with the path to it behind."""
    if not keras.tree.is_nested(structure):
        return {name: structure}
    named = {}
    for path, value in keras.tree.flatten_with_path(structure):
        end = "_".join(re.sub(r"\W", "_", str(part)) for part in path)
        named[f"{name}_{end}"] = value
    return named


def _named(specs, name):
    return [tf.TensorSpec(s.shape, s.dtype, name=n) for n, s in _by_name(specs, name).items()]


def _check_model(model):
    if not isinstance(model, keras.Model):
        raise TypeError(f"export_training takes a keras.Model. Received: {model!r}")
    if not model.compiled:
        raise ValueError(
            f"The model must be compiled, so that it has a loss. Received: {model.name!r}"
        )
    if not isinstance(model.optimizer, keras.optimizers.Optimizer):
        raise ValueError(
            f"The model must be compiled with a Keras optimizer. Received: {model.optimizer!r}"
        )
    if not model.built:
        raise ValueError(
            "The model has no input shapes yet: give it an Input, or call it on a batch "
            f"first. Received: {model.name!r}"
        )
    if not model.trainable_variables:
        raise ValueError(f"The model has nothing to train. Received: {model.name!r}")


def _input_spec(model):
    specs = get_input_signature(model)
    if hasattr(model, "_inputs_struct"):
        # Keras 3.8 gives a list of what a functional model takes by name.
        specs = [keras.tree.map_structure(make_input_spec, model._inputs_struct)]
    if len(specs) != 1:
        raise ValueError(
            "A model whose call takes several arguments cannot be trained by `fit`, nor "
            f"exported: let it take one structure. Received: {model.name!r}"
        )
    return keras.tree.map_structure(
        lambda spec: tf.TensorSpec(spec.shape, spec.dtype, name=spec.name), specs[0]
    )


def _target_spec(model, x_spec):
    outputs = model.compute_output_spec(
        keras.tree.map_structure(lambda s: keras.KerasTensor(s.shape, s.dtype), x_spec)
    )
    flat = keras.tree.flatten(outputs)
    loss = getattr(model, "loss", None)
    if isinstance(loss, dict) and not isinstance(outputs, dict):
        loss = [loss.get(name) for name in model.output_names]
    losses = keras.tree.flatten(loss) if keras.tree.is_nested(loss) else [loss] * len(flat)
    if isinstance(loss, dict) and set(loss) != set(outputs) or len(losses) != len(flat):
        raise ValueError(
            "The targets' shapes do not follow from this loss: give `y_spec`. "
            f"Received: loss={model.loss!r}"
        )
    specs = [
        tf.TensorSpec((None, *output.shape[1:-1]), tf.int64)
        if _is_sparse(loss)
        else tf.TensorSpec((None, *output.shape[1:]), tf.float32)
        for output, loss in zip(flat, losses, strict=True)
    ]
    return keras.tree.pack_sequence_as(outputs, specs)


def _is_sparse(loss):
    loss = keras.losses.get(loss) if isinstance(loss, str) else loss
    return loss in _SPARSE or isinstance(loss, keras.losses.SparseCategoricalCrossentropy)
