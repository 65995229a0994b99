"""What a step of the learned optimizer costs beside the network's own: time, FLOPs, bytes."""

import functools
import math

import keras
import tensorflow as tf

from experiments.tables import markdown
from l2l_tf import LearnedOptimizer, presets, rules, tasks
from l2l_tf.core.files import write_csv
from tools.timing import interleaved

TITLE = "What a step costs"
TASKS = {
    "MNIST, 784-20-10, batches of 128": "mnist_mlp",
    "MNIST, 784-20-10, batches of 2,048": "mnist_mlp(batch_size=2048)",
    "CIFAR-10, conv net, batches of 128": "cifar10_conv",
}
# Name → function that makes the Keras optimizer, and the rule whose operations are counted:
# those of this package that equal Keras's SGD and Adam.
OPTIMIZERS = {
    "none": (lambda: None, lambda: None),
    "SGD": (lambda: keras.optimizers.SGD(1e-3), lambda: rules.SGD(1e-3)),
    "Adam": (lambda: keras.optimizers.Adam(1e-3), lambda: rules.Adam(1e-3)),
    **{
        name: (
            functools.partial(LearnedOptimizer.from_preset, preset),
            functools.partial(presets.load_preset, preset),
        )
        for name, preset in {
            "lstm": "lstm-digits",
            "rnnprop": "rnnprop-general",
            "mixture": "mixture-general",
        }.items()
    },
}


class TrainStep:
    """One step of training on one batch, with or without ("none") the optimizer's part.

    Attributes:
        flops: Floating-point operations of the loss, its gradients and the rule's update, as
            TensorFlow counts them in their graphs.
        bytes_of_state: Bytes of slots per weight.
        weights: Number of weights.
    """

    def __init__(self, task, make, make_rule):
        start, self.model_state = task.init(tasks.as_seed(0))
        self.params = [keras.Variable(p) for p in start]
        self.weights = sum(math.prod(p.shape) for p in self.params)
        optimizer = make()
        if optimizer is not None:
            optimizer.build(self.params)
        batch = task.batch(tasks.as_seed(1), 0)

        def step(batch):
            with tf.GradientTape() as tape:
                values = [tf.convert_to_tensor(p.value) for p in self.params]
                loss, _, _ = task.loss(values, self.model_state, batch)
                if optimizer is not None:
                    loss = optimizer.scale_loss(loss)
            gradients = tape.gradient(loss, [p.value for p in self.params])
            if optimizer is None:
                return loss, [tf.reduce_sum(g) for g in gradients]
            optimizer.apply(gradients, self.params)
            return loss, ()

        def gradients(values, batch):
            with tf.GradientTape() as tape:
                tape.watch(values)
                loss, _, _ = task.loss(values, self.model_state, batch)
            return tape.gradient(loss, values)

        self.flops = flops(gradients, start, batch)
        rule = make_rule()
        if rule is not None:
            state = rule.init(start)
            context = rules.Context(1)
            self.flops += flops(lambda v: rule.update(v, state, v, context)[0], start)
        self.bytes_of_state = _slot_bytes(optimizer) / self.weights
        compiled = tf.function(step, jit_compile=True, autograph=False)
        self.call = lambda: compiled(batch)[0].numpy()


def flops(function, *arguments):
    """Floating-point operations of one call, by TensorFlow's count of the call's own graph.

    Operations inside of conditions and loops are not seen.
    """
    traced = tf.function(function, autograph=False).get_concrete_function(*arguments)
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    counted = tf.compat.v1.profiler.profile(traced.graph, cmd="op", options=options)
    return counted.total_float_ops


def _slot_bytes(optimizer):
    if optimizer is None:
        return 0
    fixed = {id(v) for v in getattr(optimizer, "_meta_params", {}).values()}
    return sum(
        math.prod(v.shape) * tf.as_dtype(v.dtype).size
        for v in optimizer.variables
        if id(v) not in fixed and len(v.shape)
    )


def measured(text, repeats):
    """Rows of one task, as data."""
    task = tasks.get(text)
    steps = {name: TrainStep(task, *makers) for name, makers in OPTIMIZERS.items()}
    seconds = interleaved({name: s.call for name, s in steps.items()}, repeats, 0.1)
    return {
        "rows": [
            {
                "task": text,
                "optimizer": name,
                "weights": step.weights,
                "milliseconds": 1e3 * seconds[name],
                "times": seconds[name] / seconds["none"],
                "mega_flop": step.flops / 1e6,
                "flop_times": step.flops / steps["none"].flops,
                "state_bytes_per_weight": step.bytes_of_state,
            }
            for name, step in steps.items()
        ]
    }


def run(experiment):
    """The section as Markdown; its records are written beside it."""
    repeats, text, every = 3 if experiment.plan.seeds < 5 else 7, [], []
    for title, task in TASKS.items():
        made = experiment.pieces.value(
            "cost", [task, repeats], lambda t=task: measured(t, repeats)
        )["rows"]
        every += made
        lines = [
            [
                row["optimizer"],
                f"{row['milliseconds']:.2f}",
                f"{row['times']:.2f}",
                f"{row['mega_flop']:.1f}",
                f"{row['flop_times']:.2f}",
                f"{row['state_bytes_per_weight']:.0f}",
            ]
            for row in made
        ]
        header = ["optimizer", "ms per step", "times the gradients alone", "MFLOP", "times"]
        text.append(f"### {title} ({made[0]['weights']:,} weights)\n")
        text.append(markdown([*header, "bytes of state per weight"], lines))
    write_csv(experiment.output / "cost.csv", every)
    return "\n".join(
        [
            f"Whole train steps, compiled, medians of {repeats} interleaved rounds; “none” is the "
            "loss and its gradients alone. FLOPs are TensorFlow's count of the graph: products, "
            "convolutions and the element-wise operations that it knows.\n",
            *text,
        ]
    )
