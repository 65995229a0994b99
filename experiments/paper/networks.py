"""Section 3.2: MNIST, longer, wider, deeper, and with ReLU, where the paper's LSTM fails."""

import math

from experiments.tables import comparison, markdown, number, verdict

TITLE = "MNIST (section 3.2)"
LEARNED = ("lstm-mnist", "rnnprop-general", "mixture-general")
# Name → task, steps, title.
CASES = {
    "base": ("mnist_mlp", 100, "The base net, 784-20-10 sigmoid, 100 steps"),
    "200-steps": ("mnist_mlp", 200, "200 steps, twice what the LSTM was trained for"),
    "40-units": ("mnist_mlp(hidden=40)", 100, "40 units"),
    "2-layers": ("mnist_mlp(layers=2)", 100, "Two layers of 20 units"),
    "relu": ("mnist_mlp(activation=relu)", 100, "ReLU"),
}


def compared(experiment, case):
    """`Results` of one case."""
    task, steps, _ = CASES[case]
    plan = experiment.plan
    return experiment.pieces.results(
        f"mnist-{case}",
        task,
        [*experiment.learned(*LEARNED), *plan.baselines],
        steps=steps,
        seeds=plan.seeds,
        grid=plan.grid,
        grid_seeds=plan.grid_seeds,
    )


def run(experiment):
    """The section as Markdown; its plots and records are written beside it."""
    text = [experiment.missing(*LEARNED)]
    rows = []
    for case, (task, steps, title) in CASES.items():
        results = compared(experiment, case)
        results.to_csv(experiment.output / f"mnist-{case}.csv")
        results.plot(experiment.output / f"mnist-{case}.png")
        said = [verdict(results, name) for name in LEARNED]
        text += [f"### {title} (`{task}`, {steps} steps)\n", comparison(results), *said]
        text.append(f"\n![{title}](mnist-{case}.png)\n")
        rows.append([title, *final_losses(results)])
    header = ["", *LEARNED, "best tuned"]
    return "\n".join([text[0], markdown(header, rows), *text[1:]])


def final_losses(results):
    """Median final train losses of the learned optimizers and of the best tuned one."""
    rows = results.summary()
    cells = []
    for name in LEARNED:
        row = next((r for r in rows if r.contestant.optimizer == name), None)
        cells.append("–" if row is None else number(row.train_loss.median))
    tuned = [r for r in rows if not r.contestant.learned]
    best = min(tuned, key=lambda r: (math.isnan(r.train_loss.median), r.train_loss.median))
    return [*cells, f"{number(best.train_loss.median)} ({best.contestant.optimizer})"]
