"""The transfer matrix: trained on one kind of network, used on every other."""

import matplotlib.pyplot as plt
import numpy as np

from experiments.paper.train import TRANSFER_RULES, TRANSFER_TASKS
from experiments.shared_step import LARGEST, SharedStep, draw_ratios, log_ratio
from experiments.tables import markdown
from l2l_tf import evaluation, presets, rules
from l2l_tf.core.files import write_csv

TITLE = "Transfer"
STEPS = 100
MLPS = {"mnist": "mnist_mlp", "fashion_mnist": "fashion_mlp"}


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
    """Dict row name → rule, of all that are there."""
    names = {"default": presets.default_preset(), "lstm: 1 layer, long": "lstm-digits"}
    for rule in TRANSFER_RULES:
        for net in TRANSFER_TASKS:
            names[f"{rule}: {net.replace('-', ' ')}"] = f"transfer-{rule}-{net}"
    found = {row: experiment.preset(name) for row, name in names.items()}
    return {row: presets.load_preset(where) for row, where in found.items() if where}


def column(experiment, task, rows):
    """Dict row name → list over seeds of final losses; tuned Adam's under "adam"."""
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
    losses = {"adam": [run[-1].train_loss for run in tuned.runs(task, "adam").values()]}
    shared = {}
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


def run(experiment):
    """The section as Markdown; its heat map and records are written beside it."""
    rows = candidates(experiment)
    columns = {
        (dataset, cell): column(experiment, task, rows)
        for dataset in experiment.plan.datasets
        for cell, task in cells(dataset).items()
    }
    matrix = np.array([[log_ratio(c[name], c["adam"]) for c in columns.values()] for name in rows])
    write_csv(
        experiment.output / "transfer.csv",
        [
            {"trained": name, "dataset": dataset, "network": cell, "seed": seed, "train_loss": loss}
            for (dataset, cell), losses in columns.items()
            for name in (*rows, "adam")
            for seed, loss in enumerate(losses[name])
        ],
    )
    heat_map(matrix, list(rows), list(columns), experiment.output / "transfer.png")
    return "\n".join(
        [
            "log10 of the final train loss over tuned Adam's after 100 steps, mean over "
            f"{experiment.plan.few_seeds} seeds: below 0 is ahead of Adam, 0.3 twice its loss, "
            f"{LARGEST:g} or more failed. Rows: what the optimizer was meta-trained on (digits; "
            "short runs, see the cards' figures in the training logs); `default` is the shipped "
            "preset. Columns: the base net with one factor changed.\n",
            experiment.missing(
                *(f"transfer-{r}-{n}" for r in TRANSFER_RULES for n in TRANSFER_TASKS)
            ),
            summary(matrix, list(rows), list(columns)),
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
