"""Longer runs than an optimizer was meta-trained for."""

import matplotlib.pyplot as plt
import numpy as np

from experiments.tables import markdown, number, verdict
from l2l_tf.core.files import write_csv

TITLE = "Longer runs than trained for"
TASK = "digits_mlp"
LEARNED = ("lstm-digits", "rnnprop-general", "mixture-general")
BASELINES = ("momentum", "rmsprop", "adam")


def run(experiment):
    """The section as Markdown; its plot and records are written beside it."""
    plan, by_steps, rows = experiment.plan, {}, []
    for steps in (100, 200, *plan.horizons):
        by_steps[steps] = experiment.pieces.results(
            f"horizon-{steps}",
            TASK,
            [*experiment.learned(*LEARNED), *BASELINES],
            steps=steps,
            seeds=plan.few_seeds,
            grid=plan.coarse_grid,
            grid_seeds=1,
            records=40,
        )
    table = []
    for name in [*LEARNED, *BASELINES]:
        cells = []
        for steps, results in by_steps.items():
            row = next((r for r in results.summary() if r.contestant.optimizer == name), None)
            cells.append("–" if row is None else number(row.train_loss.median))
            if row is not None:
                held_out, accuracy = row.held_out_loss.median, row.held_out_accuracy.median
                rows.append(
                    {
                        "optimizer": name,
                        "steps": steps,
                        "train_loss": row.train_loss.median,
                        "held_out_loss": held_out,
                        "held_out_accuracy": accuracy,
                        "learning_rate": row.contestant.learning_rate,
                    }
                )
        table.append([name, *cells])
    write_csv(experiment.output / "horizons.csv", rows)
    longest = by_steps[max(by_steps)]
    plot(longest, experiment.output / "horizons.png")
    said = [f"{s} steps: {verdict(r, n)}" for s, r in by_steps.items() for n in LEARNED]
    return "\n".join(
        [
            f"Base net on digits (`{TASK}`), median final train loss of {plan.few_seeds} seeds. "
            "The baselines are tuned anew for every length; the LSTM was trained for 100 steps, "
            "`rnnprop-general` for at most 500, `mixture-general` (not told the length) for at "
            "most 2,000.\n",
            markdown(["", *(f"{s} steps" for s in by_steps)], table),
            *(f"- {s}" for s in said if not s.endswith(": ")),
            f"\n![Loss along {max(by_steps)} steps](horizons.png)\n",
        ]
    )


def plot(results, path):
    """Train loss and held-out accuracy along the longest run, both against steps."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for made in results.contestants:
        style = {"linewidth": 2.4} if made.learned else {"linewidth": 1.3, "linestyle": "--"}
        for axis, quantity in zip(axes, ("train_loss", "held_out_accuracy"), strict=True):
            steps, _, median, *_ = results.curve(made.task, made.optimizer, quantity)
            shown = np.isfinite(median) & (steps > 0)
            axis.plot(steps[shown], median[shown], label=made.optimizer, **style)
    axes[0].set_yscale("log")
    axes[0].set_ylabel("train loss")
    axes[1].set_ylabel("held-out accuracy")
    axes[1].set_ylim(0.8, 1.0)
    for axis in axes:
        axis.set_xscale("log")
        axis.set_xlabel("steps")
        axis.grid(True, color="#dddddd", linewidth=0.6)
    axes[1].legend(frameon=False, fontsize=9, loc="lower left")
    figure.savefig(path, dpi=120)
    plt.close(figure)
