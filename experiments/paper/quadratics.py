"""Section 3.1: random quadratics, in the paper's setting and in its authors' public code's."""

import math

from experiments.tables import comparison, verdict

TITLE = "Quadratics (section 3.1)"
# log10 of the mean final loss, from public re-runs of the authors' code with its preset.
ANCHOR = -1.08
SETTINGS = (
    ("gaussian", "quadratic", "lstm-quadratic", "W, y from N(0, 1); every function's own gradient"),
    (
        "uniform",
        "quadratic_uniform",
        "lstm-quadratic-uniform",
        "W, y uniform in 0 … 1; the loss is the mean over 128 functions",
    ),
)


def run(experiment):
    """The section as Markdown; its plots and records are written beside it."""
    plan, text = experiment.plan, []
    for kind, task, name, about in SETTINGS:
        text.append(f"### {about}\n\n{experiment.missing(name)}")
        results = experiment.pieces.results(
            f"quadratic-{kind}",
            task,
            [*experiment.learned(name), *plan.baselines],
            steps=100,
            seeds=plan.seeds,
            grid=plan.grid,
            grid_seeds=plan.grid_seeds,
            functions=plan.functions if kind == "gaussian" else 1,
        )
        results.to_csv(experiment.output / f"quadratic-{kind}.csv")
        results.plot(experiment.output / f"quadratic-{kind}.png")
        text += [comparison(results), verdict(results, name)]
        if kind == "uniform":
            text.append(against_the_anchor(results))
        text.append(f"\n![Loss on quadratics, {kind}](quadratic-{kind}.png)\n")
    return "\n".join(text)


def against_the_anchor(results):
    """log10 of each optimizer's mean final loss, beside the one of the public re-runs."""
    logs = {}
    for row in results.summary():
        ends = [
            run[-1].train_loss
            for run in results.runs(row.contestant.task, row.contestant.optimizer).values()
        ]
        logs[row.contestant.optimizer] = math.log10(sum(ends) / len(ends))
    listed = ", ".join(f"{name} {value:.2f}" for name, value in logs.items())
    return (
        f"log10 of the mean final loss: {listed}. Public re-runs of the authors' code reach "
        f"{ANCHOR}.\n"
    )
