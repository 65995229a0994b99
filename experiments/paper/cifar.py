"""Section 3.3: a conv net with batch normalization on CIFAR-10, two LSTMs by kind of parameter.

And on subsets of its labels, where an LSTM that never saw these labels is compared too.
"""

import statistics

from experiments.tables import comparison, number, verdict
from l2l_tf import evaluation, presets

TITLE = "CIFAR-10 (section 3.3)"
LEARNED = ("lstm-cifar10", "lstm-cifar10-sub", "rnnprop-general", "mixture-general")
# A step takes as long as a whole run elsewhere: the paper's own baselines, at 7 rates.
BASELINES = ("sgd", "nesterov", "rmsprop", "adam")
# Name → task, title. `lstm-cifar10-sub` is meta-trained on the labels 5 to 9 alone.
CASES = {
    "cifar10": ("cifar10_conv", "All ten labels"),
    "cifar5": ("cifar10_conv(labels=[0,1,2,3,4])", "CIFAR-5: labels 0 to 4"),
    "cifar2": ("cifar10_conv(labels=[0,1])", "CIFAR-2: labels 0 and 1"),
}


def run(experiment):
    """The section as Markdown; its plots and records are written beside it."""
    plan = experiment.plan
    text = [
        experiment.missing(*LEARNED),
        f"{plan.conv_steps} steps at batches of 128, {plan.conv_seeds} seeds, one for each of the "
        f"rates; losses on the first {plan.conv_rows} rows of each split.\n",
    ]
    for case, (task, title) in CASES.items():
        contenders = [*experiment.learned(*LEARNED), *BASELINES]
        results = experiment.pieces.results(case, task, contenders, **_settings(plan))
        results.to_csv(experiment.output / f"{case}.csv")
        results.plot(experiment.output / f"{case}.png")
        said = [verdict(results, name) for name in LEARNED]
        text += [f"### {title} (`{task}`)\n", comparison(results), *said, on_batches(results)]
        text.append(f"\n![{title}]({case}.png)\n")
    text.append(without_centring(experiment))
    return "\n".join(text)


def without_centring(experiment):
    """What the rule `centred` around `lstm-cifar10` does: the same weights without it."""
    where = experiment.preset(LEARNED[0])
    if where is None:
        return ""
    contender = evaluation.learned(presets.load_preset(where).rule, f"{LEARNED[0]}-not-centred")
    task = CASES["cifar10"][0]
    results = experiment.pieces.results(
        "cifar10-not-centred", task, [contender], **_settings(experiment.plan)
    )
    results.to_csv(experiment.output / "cifar10-not-centred.csv")
    return f"### Without centring (`{task}`)\n\n{comparison(results)}\n{on_batches(results)}"


def _settings(plan):
    return {
        "steps": plan.conv_steps,
        "seeds": plan.conv_seeds,
        "grid": plan.coarse_grid,
        "grid_seeds": 1,
        "records": 10,
        "report_rows": plan.conv_rows,
    }


def on_batches(results):
    """Losses of the last batches, which are normalized by their own statistics."""
    losses = []
    for contestant in results.contestants:
        runs = results.runs(contestant.task, contestant.optimizer).values()
        mean = statistics.mean(run[-1].batch_loss for run in runs)
        losses.append(f"{contestant.optimizer} {number(mean)}")
    return (
        "\nLosses above are with the moving statistics of batch normalization. Of the batches "
        f"since the record before the last, means over the seeds: {', '.join(losses)}.\n"
    )
