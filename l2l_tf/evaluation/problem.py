"""A task as evaluations need it: the same starts, batches and reports for every optimizer."""

import base64

import tensorflow as tf

from l2l_tf.core.checks import check_choice, check_integer
from l2l_tf.tasks import SPLITS, Task, as_seed, fold_in

# Streams of seeds: what tunes, what is reported and what training draws never meet.
STREAMS = {"tuning": 101, "report": 102, "data": 103}

# Rows evaluated at once, so that reports on large splits fit in memory.
_ROWS_AT_ONCE = 2048

# Batches that stand for a split where a task has no finite one.
_SAMPLED_BATCHES = 8


class Problem:
    """A task with its starts and its reports.

    Args:
        task: A `Task`.
        functions: Optimizees per run, side by side; losses are means over them while the
            gradients are each function's own. Only for tasks without data.
        report_rows: Most rows of a split that a report looks at (the first ones); None: all.
        jit_compile: Whether steps and reports are compiled with XLA; None: where the task
            draws its batches in the graph and is not better off without.
        seed: Non-negative int that every seed is derived from.

    Raises:
        ValueError: If `functions` is not a positive integer, or above 1 for a task with data.
    """

    def __init__(self, task, functions=1, report_rows=10_000, jit_compile=None, seed=0):
        check_integer("functions", functions, min=1)
        self.task = task
        self.functions = functions
        self.report_rows = report_rows
        by_default = task.in_graph and task.jit_compile
        self.jit_compile = by_default if jit_compile is None else jit_compile
        self.seed = seed
        self._starts = {}
        self._split_batches = {}
        self._losses = tf.function(
            self._batch_losses, jit_compile=self.jit_compile, autograph=False
        )
        self._init = task.init
        if functions > 1:
            if self.has_data:
                raise ValueError(
                    "Several functions at once are for tasks without data. "
                    f"Received: functions={functions} with {task!r}"
                )
            self._init = tf.function(lambda seed: task.init_tasks(seed, functions), autograph=False)

    @property
    def has_data(self):
        """Whether the task has splits to report on."""
        return bool(self._batches("test"))

    @property
    def held_out_rows(self):
        """Rows of the test split that a report looks at; 0 without data."""
        return sum(int(batch[0].shape[0]) for batch in self._batches("test"))

    def seed_of(self, stream, index):
        """The seed `[2]` of one run.

        Args:
            stream: "tuning" or "report".
            index: Non-negative int.
        """
        return fold_in(fold_in(as_seed(self.seed), STREAMS[stream]), index)

    def start(self, stream, index):
        """Initial `(params, model_state)` of one run, NumPy arrays."""
        key = (stream, index)
        if key not in self._starts:
            start = self._init(self.seed_of(stream, index))
            self._starts[key] = tf.nest.map_structure(lambda t: t.numpy(), start)
        return self._starts[key]

    def objective(self, params, model_state, batch):
        """What is differentiated, and what is reported.

        Returns:
            `(objective, loss, model_state)`: with several functions their sum and their
            mean, so that each gets its own gradient.
        """
        if self.functions > 1:
            losses, model_state = self.task.tasks_loss(params, model_state, batch)
            return tf.reduce_sum(losses), tf.reduce_mean(losses), model_state
        loss, model_state, _ = self.task.loss(params, model_state, batch)
        return loss, loss, model_state

    @property
    def has_pictures(self):
        """Whether parameters look like something."""
        return self.functions == 1 and type(self.task).picture is not Task.picture

    def picture(self, params):
        """What the parameters look like, as the text of a JPEG file in base 64."""
        pixels = self.task.picture([tf.convert_to_tensor(p) for p in params])
        return base64.b64encode(tf.io.encode_jpeg(pixels, quality=90).numpy()).decode()

    def report(self, params, model_state, splits=("train", "test")):
        """Losses and accuracies on whole splits.

        Args:
            params: List of tensors or variables.
            model_state: List likewise.
            splits: Of `SPLITS`.

        Returns:
            Dict split → `{"loss": …, "accuracy": …}` of floats; the accuracy only where the
            task has one. A task without data has its loss under "train" alone.
        """
        params = [tf.convert_to_tensor(p) for p in params]
        model_state = [tf.convert_to_tensor(v) for v in model_state]
        if not self.has_data:
            return {"train": self._mean(params, model_state, [()])}
        return {s: self._mean(params, model_state, self._batches(s)) for s in splits}

    def _mean(self, params, model_state, batches):
        totals, rows = {}, 0
        for batch in batches:
            count = batch[0].shape[0] if batch else 1
            rows += count
            for name, value in self._losses(params, model_state, batch).items():
                totals[name] = totals.get(name, 0.0) + count * float(value)
        return {name: total / rows for name, total in totals.items()}

    def _batch_losses(self, params, model_state, batch):
        if self.functions > 1:
            return {"loss": self.objective(params, model_state, batch)[1]}
        loss, metrics = self.task.evaluate(params, model_state, batch)
        kept = {"accuracy": metrics["accuracy"]} if "accuracy" in metrics else {}
        return {"loss": loss, **kept}

    def _batches(self, split):
        check_choice("split", split, SPLITS)
        if split not in self._split_batches:
            self._split_batches[split] = self._split(split)
        return self._split_batches[split]

    def _split(self, split):
        full = self.task.full_batch(split)
        if full:
            rows = full[0].shape[0]
            rows = rows if self.report_rows is None else min(rows, self.report_rows)
            edges = [*range(0, rows, _ROWS_AT_ONCE), rows]
            return [
                tf.nest.map_structure(lambda t, a=a, b=b: t[a:b], full)
                for a, b in zip(edges, edges[1:], strict=False)
            ]
        seed = fold_in(as_seed(self.seed), STREAMS["data"])
        first = self.task.batch(seed, 0, split)
        if not first:
            return []
        return [first, *(self.task.batch(seed, i, split) for i in range(1, _SAMPLED_BATCHES))]
