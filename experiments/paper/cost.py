"""What a step of the learned optimizer costs beside the network's own: time, FLOPs, bytes."""

import functools

import keras

from experiments.tables import markdown
from l2l_tf import LearnedOptimizer, presets, rules, tasks
from l2l_tf.core.files import write_csv
from l2l_tf.evaluation.cost import TrainStep, flops
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
    "none": (None, lambda: None),
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


def measured(text, repeats):
    """Rows of one task, as data."""
    task, seed = tasks.get(text), tasks.as_seed(0)
    params, model_state = task.init(seed)
    start = ([f"param_{i}" for i in range(len(params))], params, model_state)
    batch = task.batch(tasks.as_seed(1), 0)

    def objective(params, model_state, batch):
        loss, model_state, _ = task.loss(params, model_state, batch)
        return loss, loss, model_state

    steps = {
        name: TrainStep(objective, start, batch, make, jit_compile=True)
        for name, (make, _) in OPTIMIZERS.items()
    }
    seconds = interleaved(steps, repeats, 0.1)
    alone = steps["none"].gradient_flops()
    count = {n: alone + _rule_flops(make(), params) for n, (_, make) in OPTIMIZERS.items()}
    return {
        "rows": [
            {
                "task": text,
                "optimizer": name,
                "weights": step.weights,
                "milliseconds": 1e3 * seconds[name],
                "times": seconds[name] / seconds["none"],
                "mega_flop": count[name] / 1e6,
                "flop_times": count[name] / alone,
                "state_bytes_per_weight": step.state_bytes / step.weights,
            }
            for name, step in steps.items()
        ]
    }


def _rule_flops(rule, params):
    """Operations of a rule's update as it is written, without the optimizer around it."""
    if rule is None:
        return 0
    state, context = rule.init(params), rules.Context(1)
    return flops(lambda v: rule.update(v, state, v, context)[0], params)


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
