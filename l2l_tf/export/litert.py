"""A compiled Keras model as a file that trains on a device, under LiteRT alone."""

import os
import pathlib
import re
import tempfile
from typing import Any

import keras
import tensorflow as tf

from l2l_tf.core.checks import check_integer
from l2l_tf.core.files import write_whole
from l2l_tf.export import rewriting
from l2l_tf.export.training import Training, prepared, with_batch_size


def export_litert(
    compiled_model: keras.Model,
    path: str | os.PathLike,
    batch_size: int = 32,
    y_spec: Any = None,
) -> None:
    """Write a compiled model, its optimizer's state included, as a `.tflite` file that trains.

    ```python
    export_litert(model, "training.tflite", batch_size=8)

    from ai_edge_litert.interpreter import Interpreter  # a device has no more than this
    interpreter = Interpreter(model_path="training.tflite")
    train = interpreter.get_signature_runner("train")
    logs = train(x=x[:8], y=y[:8])                       # {"loss": …, metrics …} of this batch
    outputs = interpreter.get_signature_runner("infer")(x=x[:3])
    values = interpreter.get_signature_runner("save")()  # dict name → array, weights and slots
    interpreter.get_signature_runner("restore")(**values)
    ```

    All operations are LiteRT's builtin ones. What TensorFlow's gradients are made of beyond these
    (`builtin_forms`) is written in builtin ones: the numbers are the same, but for dropout, whose
    random numbers are those of the device. `save` and `restore` give and take arrays: where
    they are kept, such as in an `.npz` file, is up to the device. Signatures share one state.

    Args:
        compiled_model: A compiled `keras.Model` with any Keras optimizer, built, as in
            `export_training`.
        path: File to write; it appears whole or not at all.
        batch_size: Rows of a batch of `train`; `infer` takes any number, unless the model loops
            over time: then as many.
        y_spec: As in `export_training`.

    Raises:
        TypeError: If it is no `keras.Model`.
        ValueError: If the model is not compiled or not built, or an operation of its training has
            no builtin form; the message names the operation and where it stands.
        FileExistsError: If `path` exists.
    """
    check_integer("batch_size", batch_size, min=1)
    path = pathlib.Path(path).expanduser()
    if path.exists():
        raise FileExistsError(f"The file exists already. Received: path={str(path)!r}")
    x_spec, y_spec = prepared(compiled_model, y_spec)
    module = _Device(compiled_model, x_spec, y_spec, batch_size)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, _converted(module))


class _Device(Training):
    """Model, optimizer, and the four functions that a device has."""

    def __init__(self, model, x_spec, y_spec, batch_size):
        batch, targets = with_batch_size(x_spec, batch_size), with_batch_size(y_spec, batch_size)
        super().__init__(model, batch, targets)
        self.train = self.signatures(batch, targets)["train_step"]
        looks_at = batch if _loops(self.predict) else x_spec
        self.predict = tf.function(self.predict.python_function, input_signature=[looks_at])
        self.infer = self.inference(looks_at)
        self.kept = _named_variables(model)
        self.save = tf.function(self._save, input_signature=[]).get_concrete_function()
        specs = [tf.TensorSpec(v.shape, v.dtype, name=name) for name, v in self.kept.items()]
        self.restore = tf.function(self._restore, autograph=False).get_concrete_function(*specs)

    def _save(self):
        return {name: tf.identity(variable) for name, variable in self.kept.items()}

    def _restore(self, *values):
        for variable, value in zip(self.kept.values(), values, strict=True):
            variable.assign(value)
        return {"iterations": tf.convert_to_tensor(self.optimizer.iterations)}

    def functions(self):
        """Dict name of a signature → concrete function."""
        return {n: getattr(self, n) for n in ("train", "infer", "save", "restore")}


def _loops(function):
    """Whether a function holds a loop, whose tensors LiteRT wants to know the shapes of."""
    operations = function.get_concrete_function().graph.get_operations()
    return any(o.type in ("While", "StatelessWhile") for o in operations)


def _named_variables(model):
    """Dict name → variable of all that training changes: weights, statistics, seeds, slots."""
    variables = {id(v): v for v in [*model.variables, *model.optimizer.variables]}
    named = {}
    for variable in variables.values():
        name = base = re.sub(r"\W", "_", variable.path)
        count = 1
        while name in named:
            count += 1
            name = f"{base}_{count}"
        named[name] = variable.value
    return named


def _converted(module):
    """The content of the file."""
    with tempfile.TemporaryDirectory() as directory:
        tf.saved_model.save(module, directory, signatures=module.functions())
        left = rewriting.replace_operations(directory)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            directory, signature_keys=list(module.functions())
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            return converter.convert()
        except Exception as error:  # The converter has one class for all of its errors.
            raise ValueError(_explained(str(error), directory, left)) from error


def _explained(message, directory, left):
    """Which operations stand in the way, and where they are."""
    found = sorted(set(re.findall(r"(?:\n\t|')tf\.(\w+)(?:\(|')", message)))
    if not found:
        return f"The training cannot be converted. Received: {message.strip()[-300:]}"
    places = []
    for operation in found:
        nodes = rewriting.nodes_of(directory, operation)
        about = left.get(operation) or ", ".join(nodes[:3]) or "its place is not known"
        places.append(f"{operation} ({about})")
    advice = "another layer or loss may do"
    if any(operation.startswith("TensorList") for operation in found):
        advice = "a recurrent layer takes unroll=True"
    return (
        "LiteRT has no builtin operations for a part of this model's training; "
        f"{advice}. Received: {'; '.join(places)}"
    )
