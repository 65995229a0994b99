"""The transfer matrix: trained on one kind of network, used on every other."""

import csv

import matplotlib.pyplot as plt
import numpy as np

from experiments.paper.train import LARGER_RATE_NETS, TRANSFER_RULES, TRANSFER_TASKS
from experiments.shared_step import LARGEST, SharedStep, draw_ratios, log_ratio
from experiments.tables import markdown
from l2l_tf import evaluation, presets, rules
from l2l_tf.core.files import write_csv

TITLE = "Transfer"
STEPS = 100
MLPS = {"mnist": "mnist_mlp", "fashion_mnist": "fashion_mlp"}
# Row → preset, shipped or of `experiments.paper.train`.
ROWS = {
    "default": presets.default_preset(),
    "mixture-general": "mixture-general",
    "lstm: 1 layer, long": "lstm-digits",
    "lstm: the imitation": "lstm-imitation",
    **{
        f"{rule}: {net.replace('-', ' ')}": f"transfer-{rule}-{net}"
        for rule in TRANSFER_RULES
        for net in TRANSFER_TASKS
    },
    **{
        f"lstm: {net.replace('-', ' ')} at a larger meta-rate": f"transfer-lstm-{net}-larger-rate"
        for net in LARGER_RATE_NETS
    },
}


def cells(dataset):
    """Dict name → task: the base net, and one factor changed at a time."""
    mlp = MLPS[dataset]
    return {
        "base": mlp,
        "2 layers": f"{mlp}(layers=2)",
        "4 layers": f"{mlp}(layers=4)",
        "40 units": f"{mlp}(hidden=40)",
        "200 units": f"{mlp}(hidden=200)",
        "tanh": f"{mlp}(activation=tanh)",
        "ReLU": f"{mlp}(activation=relu)",
        "residual": f"residual_net(dataset={dataset})",
        "highway": f"highway_net(dataset={dataset})",
        "RNN": f"row_rnn(dataset={dataset})",
        "conv": f"image_conv(dataset={dataset},channels=8,layers=2)",
    }


def candidates(experiment):
    """Dict row name → rule: the plan's `transfer_rows`, or all that are there.

    Raises:
        FileNotFoundError: If one that the plan names is not there.
    """
    asked = experiment.plan.transfer_rows
    found = {row: experiment.preset(ROWS[row]) for row in asked or ROWS}
    absent = [ROWS[row] for row, where in found.items() if where is None]
    if asked and absent:
        raise FileNotFoundError(experiment.missing(*absent))
    return {row: presets.load_preset(where) for row, where in found.items() if where}


def column(experiment, task, rows, recorded):
    """Dict row name → list over seeds of final losses; tuned Adam's under "adam".

    Args:
        experiment: `Experiment`.
        task: Text of the task.
        rows: Dict row name → rule, those to be measured.
        recorded: Dict row name → losses, which stay as they are: Adam's among them or empty.
    """
    losses = dict(recorded) or {"adam": adams(experiment, task)}
    shared, plan = {}, experiment.plan
    for name, rule in rows.items():
        identity = evaluation.learned(rule).identity

        def compute(rule=rule):
            kind = str(rules.serialize(rule))
            if kind not in shared:
                shared[kind] = SharedStep(task, rule, STEPS)
            return [shared[kind].final_loss(rule, seed) for seed in range(plan.few_seeds)]

        key = {"task": task, "rule": identity, "seeds": plan.few_seeds, "steps": STEPS}
        losses[name] = experiment.pieces.value("transfer", key, compute)
    return losses


def adams(experiment, task):
    """List over seeds of tuned Adam's final losses."""
    plan = experiment.plan
    tuned = experiment.pieces.results(
        "transfer-adam",
        task,
        ["adam"],
        steps=STEPS,
        seeds=plan.few_seeds,
        grid=plan.coarse_grid,
        grid_seeds=plan.few_seeds,
        records=1,
    )
    return [run[-1].train_loss for run in tuned.runs(task, "adam").values()]


def recorded(path, seeds):
    """Dict (dataset, network) → row name → losses of so many seeds, of a CSV that `run` wrote."""
    found = {}
    with open(path, newline="") as file:
        for line in csv.DictReader(file):
            of = found.setdefault((line["dataset"], line["network"]), {})
            of.setdefault(line["trained"], []).append(float(line["train_loss"]))
    return {place: {n: losses[:seeds] for n, losses in of.items()} for place, of in found.items()}


def run(experiment):
    """The section as Markdown; its heat map and records are written beside it."""
    plan, path = experiment.plan, experiment.output / "transfer.csv"
    measured = candidates(experiment)
    before = recorded(path, plan.few_seeds) if plan.transfer_rows else {}
    columns = {
        (dataset, cell): column(experiment, task, measured, before.get((dataset, cell), {}))
        for dataset in plan.datasets
        for cell, task in cells(dataset).items()
    }
    rows = [name for name in ROWS if all(name in losses for losses in columns.values())]
    matrix = np.array([[log_ratio(c[name], c["adam"]) for c in columns.values()] for name in rows])
    write_csv(
        path,
        [
            {"trained": name, "dataset": dataset, "network": cell, "seed": seed, "train_loss": loss}
            for (dataset, cell), losses in columns.items()
            for name in (*rows, "adam")
            for seed, loss in enumerate(losses[name])
        ],
    )
    heat_map(matrix, rows, list(columns), experiment.output / "transfer.png")
    return "\n".join(
        [
            "log10 of the final train loss over tuned Adam's after 100 steps, mean over "
            f"{experiment.plan.few_seeds} seeds: below 0 is ahead of Adam, 0.3 twice its loss, "
            f"{LARGEST:g} or more failed. Rows: what the optimizer was meta-trained on (digits; "
            "short runs, see the cards' figures in the training logs); `default` is the shipped "
            "preset. Columns: the base net with one factor changed.\n",
            experiment.missing(*(name for row, name in ROWS.items() if row not in rows)),
            summary(matrix, rows, list(columns)),
            "\n![Transfer matrix](transfer.png)\n",
        ]
    )


def summary(matrix, rows, columns):
    """Per row: how many networks it is ahead of tuned Adam on, the median, and the worst."""
    lines = []
    for name, values in zip(rows, matrix, strict=True):
        worst = int(np.argmax(values))
        failed = int(np.sum(values >= LARGEST))
        lines.append(
            [
                name,
                f"{int(np.sum(values < 0))} of {len(values)}",
                f"{np.median(values):.2f}",
                f"{values[worst]:.2f} ({', '.join(columns[worst])})",
                failed,
            ]
        )
    return markdown(["trained on", "ahead of Adam", "median", "worst", "failed"], lines)


def heat_map(matrix, rows, columns, path):
    """The matrix in colours, blue where ahead of tuned Adam, with its figures."""
    width = 0.62 * len(columns) + 3.2
    figure, axis = plt.subplots(figsize=(width, 0.42 * len(rows) + 2.2), layout="constrained")
    image = draw_ratios(axis, matrix)
    several = len({dataset for dataset, _ in columns}) > 1
    labels = [f"{cell}, {dataset.split('_')[0]}" if several else cell for dataset, cell in columns]
    axis.set_xticks(range(len(columns)), labels, rotation=55, ha="right", fontsize=8)
    axis.set_yticks(range(len(rows)), rows, fontsize=8)
    figure.colorbar(image, ax=axis, label="log10(loss / tuned Adam's)")
    figure.savefig(path, dpi=120)
    plt.close(figure)
