"""Any Keras model as a task: what all such tasks share, and one with a pipeline of batches."""

import contextlib
import functools
import random
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from l2l_tf.core.checks import check_choice, check_integer
from l2l_tf.tasks.base import SPLITS, Metrics, Task, Tensors, fold_in
from l2l_tf.tasks.classification import hold
from l2l_tf.tasks.digest import digest_of

# Optimizees evaluated side by side in the graph; more of them take turns in a loop.
_SIDE_BY_SIDE = 16


class ModelTask(Task):
    """A Keras model as an optimizee, whatever its loss is and wherever its batches come from.

    Parameters are the trainable variables. The model's state is all others: moving
    statistics, and the seeds of dropout. Fresh optimizees are fresh models, built with
    Keras's, Python's and NumPy's random numbers drawn from the task's seed, so that one
    seed gives one model; `init` therefore runs in Python, not in a graph.

    Args:
        name: What the task is called in records.
        build: Function without arguments that returns a built `keras.Model` of fresh weights.
    """

    def __init__(self, name: str, build: Callable[[], keras.Model]):
        self.name, self.build = name, build

    @functools.cached_property
    def model(self) -> keras.Model:
        """A model whose layers compute all optimizees; the weights in it are never used."""
        # Nothing has a gradient in an `init_scope`, and some networks are trained first.
        with contextlib.nullcontext() if tf.executing_eagerly() else tf.init_scope():
            return _built(self.build)

    @functools.cached_property
    def digest(self) -> str:
        """What tells tasks of one name apart in records: of model, losses and data."""
        return digest_of(self.build, self.model, self.contents())

    def contents(self) -> Any:
        """What the digest holds besides the model; see `digest_of`."""
        return ()

    @property
    def variable_paths(self) -> list[str]:
        return [v.path for v in self.model.trainable_variables]

    def init(self, seed: tf.Tensor) -> tuple[Tensors, Tensors]:
        with _random_numbers_from(*self.random_seeds(np.asarray(seed))):
            fresh = _built(self.build)
        params = [tf.convert_to_tensor(v.value) for v in fresh.trainable_variables]
        model_state = [tf.convert_to_tensor(v.value) for v in fresh.non_trainable_variables]
        model = self.model
        known = [*model.trainable_variables, *model.non_trainable_variables]
        expected = [tuple(v.shape) for v in known]
        received = [tuple(t.shape) for t in [*params, *model_state]]
        if expected != received:
            raise ValueError(
                "The function builds a model of other shapes each time: first "
                f"{expected}. Received: {received}"
            )
        return params, model_state

    def random_seeds(self, seed: np.ndarray) -> tuple[int, int]:
        """What Python's and NumPy's random numbers start from for a fresh model; seed: `[2]`."""
        words = [int(n) & 0xFFFFFFFF for n in seed]
        python, numpy = np.random.SeedSequence(words).generate_state(2)
        return int(python), int(numpy)


class KerasModel(ModelTask):
    """A Keras model as an optimizee: `f(θ) = loss(y, model(x; θ)) + the model's own losses`.

    ```python
    def build():
        return keras.Sequential([keras.layers.Input((8,)), keras.layers.Dense(1)])

    task = KerasModel(build, "mse", {"train": pipeline, "validation": other})
    ```

    See `ModelTask` for what of the model is a parameter, and how fresh models are drawn.

    The pipeline is read once and its batches are kept in memory. A run visits all of them
    once an epoch, in an order drawn from its seed. A smaller last batch is left out.

    Args:
        model: Function without arguments that returns a built `keras.Model`, or such a model,
            whose configuration is then built anew for each optimizee.
        loss: Name of a Keras loss, `keras.losses.Loss`, or function `(y, outputs)`, whose
            mean counts.
        data: `tf.data.Dataset` of batches `(x, y)` or `(x, y, sample_weight)` to train on, or
            a dict of such ones by split. `x` may be nested as the model takes it.
        metrics: Dict name → function `(y, outputs)` whose mean is reported.
        batches: Most batches kept of a split; needed where the pipeline has no end.
        name: What the task is called in records; default: the function's or model's name.

    Raises:
        TypeError: If it is no Keras model or no pipeline.
        ValueError: If the model is not built or has nothing to train, or a pipeline is
            empty, endless, or of batches that differ in shape.
    """

    in_graph = False

    def __init__(
        self,
        model: keras.Model | Callable[[], keras.Model],
        loss: str | Callable,
        data: tf.data.Dataset | Mapping[str, tf.data.Dataset],
        metrics: Mapping[str, Callable] | None = None,
        batches: int | None = None,
        name: str | None = None,
    ):
        if batches is not None:
            check_integer("batches", batches, min=1)
        given = isinstance(model, keras.Model)
        if not given and not callable(model):
            raise TypeError(
                f"`model` is a keras.Model or a function that builds one. Received: {model!r}"
            )
        super().__init__(
            name or getattr(model, "__name__", None) or type(model).__name__,
            functools.partial(keras.models.clone_model, model) if given else model,
        )
        if given:
            self.model = model
        if not self.model.trainable_variables:
            raise ValueError(f"The model has nothing to train. Received: {self.model.name!r}")
        self._loss = keras.losses.get(loss)
        self._metrics = dict(metrics or {})
        pipelines = dict(data) if isinstance(data, Mapping) else {"train": data}
        unknown = sorted(set(pipelines) - set(SPLITS))
        if unknown or "train" not in pipelines:
            raise ValueError(
                f"`data` has 'train', and else only splits of {SPLITS}. "
                f"Received: data with {sorted(pipelines)}"
            )
        self._batches = {s: _read(p, batches, s) for s, p in pipelines.items()}

    def loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors, Metrics]:
        outputs, losses, model_state = self._call(params, model_state, batch, training=True)
        return self._total(batch, outputs, losses), model_state, self._measured(batch, outputs)

    def evaluate(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Metrics]:
        outputs, losses, _ = self._call(params, model_state, batch, training=False)
        return self._total(batch, outputs, losses), self._measured(batch, outputs)

    def tasks_loss(
        self, params: Tensors, model_state: Tensors, batch: Any
    ) -> tuple[tf.Tensor, Tensors]:
        # Whatever a layer does, it does for one optimizee at a time: operations on several at
        # once do not exist for all layers, and gradients of those that exist not either.
        def one(arguments):
            loss, state, _ = self.loss(*arguments)
            return loss, state

        num_tasks = params[0].shape[0]
        arguments = (params, model_state, batch)
        if num_tasks > _SIDE_BY_SIDE:
            state = [tf.TensorSpec(s.shape[1:], s.dtype) for s in model_state]
            loss = tf.TensorSpec([], params[0].dtype)
            return tf.map_fn(one, arguments, fn_output_signature=(loss, state))
        each = [tf.nest.map_structure(lambda t, i=i: t[i], arguments) for i in range(num_tasks)]
        return tf.nest.map_structure(lambda *t: tf.stack(t), *map(one, each))

    def batch(self, seed: tf.Tensor, step: Any, split: str = "train") -> Any:
        batches = self._split(split)
        count = tf.nest.flatten(batches)[0].shape[0]
        epoch, place = step // count, step % count
        order = tf.random.experimental.stateless_shuffle(
            tf.range(count), fold_in(fold_in(seed, 7919), epoch)
        )
        return tf.nest.map_structure(lambda t: tf.gather(t, order[place]), batches)

    def full_batch(self, split: str = "test") -> Any:
        if split in SPLITS and split not in self._batches:
            return ()
        batches = self._split(split)
        return tf.nest.map_structure(lambda t: tf.reshape(t, [-1, *t.shape[2:]]), batches)

    def contents(self) -> Any:
        return [self._loss, self._metrics, self._batches]

    def get_config(self) -> dict[str, Any]:
        """Fields that identify the task in records; a Keras model has no such text.

        `digest` holds what the others do not: layers, the code of losses, and data.
        """
        shapes = tf.nest.map_structure(lambda t: tuple(t.shape), self._batches)
        loss = self._loss
        return {
            "name": self.name,
            "parameters": sum(int(np.prod(v.shape)) for v in self.model.trainable_variables),
            "loss": getattr(loss, "__name__", None) or getattr(loss, "name", type(loss).__name__),
            "batches": shapes,
            "digest": self.digest,
        }

    def _call(self, params, model_state, batch, training):
        return stateless_outputs(self.model, params, model_state, batch[0], training)

    def _total(self, batch, outputs, losses):
        weight = batch[2] if len(batch) > 2 else None
        if isinstance(self._loss, keras.losses.Loss):
            loss = self._loss(batch[1], outputs, sample_weight=weight)
        else:
            loss = self._loss(batch[1], outputs)
            loss = tf.reduce_mean(loss if weight is None else loss * tf.cast(weight, loss.dtype))
        dtype = self.model.trainable_variables[0].dtype
        return tf.add_n([tf.cast(value, dtype) for value in [loss, *losses]])

    def _measured(self, batch, outputs):
        return {
            name: tf.reduce_mean(tf.cast(metric(batch[1], outputs), tf.float32))
            for name, metric in self._metrics.items()
        }

    def _split(self, split):
        check_choice("split", split, self._batches)
        return self._batches[split]


def stateless_outputs(
    model: keras.Model, params: list, model_state: list, inputs: Any, training: bool
) -> tuple[Any, list, list]:
    """A model's outputs at other values of its variables, without side effects.

    Args:
        model: Built `keras.Model`.
        params: Values of its trainable variables.
        model_state: Values of all others.
        inputs: What the model is called with.
        training: Whether it is trained.

    Returns:
        `(outputs, the model's own losses, model_state)`; the latter as it is afterwards.
    """
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    mapping = list(zip(variables, [*params, *model_state], strict=True))
    # What Keras's own `train_step` passes.
    arguments = {"training": training} if model._call_has_training_arg else {}
    with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
        outputs = model(inputs, **arguments)
        losses = list(model.losses)
    after = [scope.get_current_value(v) for v in model.non_trainable_variables]
    return outputs, losses, [tf.convert_to_tensor(v) for v in after]


def _built(build):
    model = build()
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(
            "The function returns a built keras.Model: give it an Input, or call it on a "
            f"batch. Received: {model!r}"
        )
    return model


@contextlib.contextmanager
def _random_numbers_from(python_seed, numpy_seed):
    """Python's and NumPy's random numbers start from these seeds inside, and go on outside.

    Keras's initializers and seed generators draw their own seeds from Python's.
    """
    python, numpy = random.getstate(), np.random.get_state()
    random.seed(python_seed)
    np.random.seed(numpy_seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def _read(pipeline, max_batches, split):
    """Batches of a pipeline in memory, stacked `[batches, …]`."""
    if not isinstance(pipeline, tf.data.Dataset):
        raise TypeError(f"`data` is a tf.data.Dataset of batches. Received: {pipeline!r}")
    if max_batches is None and pipeline.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "A pipeline without end needs `batches`, how many of them to keep. "
            f"Received: batches=None, split={split!r}"
        )
    read = list(pipeline.take(-1 if max_batches is None else max_batches).as_numpy_iterator())
    if not read or not isinstance(read[0], tuple) or len(read[0]) not in (2, 3):
        raise ValueError(
            "A pipeline gives batches (x, y) or (x, y, sample_weight). "
            f"Received: {pipeline.element_spec if read else 'no batch'}, split={split!r}"
        )
    shapes = [[np.shape(part) for part in tf.nest.flatten(batch)] for batch in read]
    if len(read) > 1 and shapes[-1] != shapes[0]:
        read, shapes = read[:-1], shapes[:-1]
    if any(other != shapes[0] for other in shapes):
        raise ValueError(
            "Batches have one shape: pad, or use drop_remainder. "
            f"Received: {next(other for other in shapes if other != shapes[0])} after {shapes[0]}"
        )
    return hold(tf.nest.map_structure(lambda *parts: np.stack(parts), *read))
