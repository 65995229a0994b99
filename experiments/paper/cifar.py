"""Section 3.3: a conv net with batch normalization on CIFAR-10, two LSTMs by kind of parameter."""

from experiments.paper.tables import comparison, verdict

TITLE = "CIFAR-10 (section 3.3)"
NAME = "lstm-cifar10"
# A step takes as long as a whole run elsewhere: the paper's own baselines, at 7 rates.
BASELINES = ("sgd", "nesterov", "rmsprop", "adam")


def run(experiment):
    """The section as Markdown; its plot and records are written beside it."""
    plan = experiment.plan
    results = experiment.pieces.results(
        "cifar10",
        "cifar10_conv",
        [*experiment.learned(NAME, "rnnprop-general"), *BASELINES],
        steps=plan.conv_steps,
        seeds=plan.few_seeds,
        grid=plan.coarse_grid,
        grid_seeds=1,
        records=10,
        report_rows=plan.conv_rows,
    )
    results.to_csv(experiment.output / "cifar10.csv")
    results.plot(experiment.output / "cifar10.png")
    return "\n".join(
        [
            experiment.missing(NAME),
            f"{plan.conv_steps} steps at batches of 128, {plan.few_seeds} seeds; losses on the "
            f"first {plan.conv_rows} rows of each split.\n",
            comparison(results),
            verdict(results, NAME),
            verdict(results, "rnnprop-general"),
            "\n![Loss on CIFAR-10](cifar10.png)\n",
        ]
    )
