"""The learning rate of the meta-optimizer by random search, early stopping on validation."""

import csv
import dataclasses
import subprocess

import matplotlib.pyplot as plt

from experiments import commands
from experiments.paper.train import WHOLE_RUN
from experiments.tables import markdown, number
from l2l_tf import evaluation
from l2l_tf.core.files import write_csv
from l2l_tf.meta.search import directory_of

TITLE = "The meta-learning rate, by random search"
HORIZON = 100
_LSTM = "--start_from={runs}/lstm-imitation/preset"
_PAPER = ("--unroll=20", f"--trajectory={HORIZON}")


@dataclasses.dataclass(frozen=True)
class Search:
    """One search, and where its draws are reported.

    Attributes:
        about: What is trained, for the report.
        task: Text of the task, of training, validation and, with other seeds, the report.
        rates: Lowest and highest rate.
        meta_steps: Of a draw.
        every: Meta-steps between validations.
        given: What else `l2l-search` is given.
        functions: Optimizees per run of the report.
    """

    about: str
    task: str
    rates: tuple
    meta_steps: int
    every: int
    given: tuple
    functions: int = 1

    def arguments(self, draws, meta_steps):
        """What `l2l-search` is given besides the directory; `{runs}` is where runs are."""
        every = max(1, min(self.every, meta_steps // 2))
        lowest, highest = self.rates
        return (
            *(f"--task={self.task}", *self.given, f"--meta_steps={meta_steps}"),
            *(f"--validate_every={every}", f"--checkpoint_every={every}", "--patience=4"),
            *(f"--draws={draws}", f"--min_rate={lowest:g}", f"--max_rate={highest:g}"),
        )


SEARCHES = {
    "quadratics": Search(
        "quadratics, unrolls of 20, from random weights",
        "quadratic",
        (1e-4, 1e-1),
        1000,
        100,
        ("--rule=lstm(preprocess=None)", *_PAPER, "--num_tasks=128", "--num_validation_tasks=256"),
        128,
    ),
    "digits": Search(
        "the base net on digits, unrolls of 20, from random weights",
        "digits_mlp",
        (1e-4, 1e-1),
        600,
        60,
        ("--rule=lstm", *_PAPER, "--num_tasks=4", "--num_validation_tasks=32"),
    ),
    "digits-whole-run": Search(
        "the base net on digits, the whole run under exact meta-gradients, from the imitation",
        "digits_mlp",
        (1e-5, 1e-2),
        200,
        20,
        (
            *(_LSTM, *WHOLE_RUN, "--num_tasks=2"),
            *("--ema_decay=0.95", "--num_validation_tasks=32"),
        ),
    ),
    "mnist": Search(
        "the base net on MNIST, unrolls of 20, from random weights",
        "mnist_mlp",
        (1e-3, 1e-1),
        300,
        60,
        ("--rule=lstm", *_PAPER, "--num_tasks=1", "--num_validation_tasks=8"),
    ),
}


def searched(experiment, name):
    """The draws of a search as rows, run or gone on with where they are not all there."""
    plan, search = experiment.plan, SEARCHES[name]
    meta_steps = plan.search_meta_steps or search.meta_steps
    directory = experiment.runs / f"search-{name}"
    arguments = search.arguments(plan.search_draws, meta_steps)
    subprocess.run(commands.l2l_search(arguments, experiment.runs, directory), check=True)
    with open(directory / "search.csv", newline="") as file:
        return list(csv.DictReader(file))


def reported(experiment, name, rows):
    """Adds to each draw its final loss on seeds that neither training nor choice has seen."""
    search, directory = SEARCHES[name], experiment.runs / f"search-{name}"
    finite = [row for row in rows if row["score"] != "inf"]
    learned = [
        evaluation.learned(directory_of(directory, int(row["draw"])) / "preset", row["draw"])
        for row in finite
    ]
    results = experiment.pieces.results(
        f"search-{name}",
        search.task,
        learned,
        steps=HORIZON,
        seeds=experiment.plan.seeds,
        functions=min(search.functions, experiment.plan.functions),
        records=1,
    )
    losses = {r.contestant.optimizer: r.train_loss.median for r in results.summary()}
    return [dict(row, search=name, loss=losses.get(row["draw"])) for row in rows]


def run(experiment):
    """The section as Markdown; its plot and records are written beside it."""
    text, made = [], {}
    for name, search in SEARCHES.items():
        missing = experiment.missing("lstm-imitation") if _LSTM in search.given else ""
        if missing:
            text.append(f"### {search.about}\n\n{missing}")
            continue
        made[name] = reported(experiment, name, searched(experiment, name))
        text += [f"### {search.about}\n", table(made[name]), said(made[name])]
    rows = [row for rows in made.values() for row in rows]
    write_csv(experiment.output / "meta-rates.csv", rows)
    plot(made, experiment.output / "meta-rates.png")
    return "\n".join(
        [
            f"{experiment.plan.search_draws} log-uniform draws each, same seeds, every one stopped "
            "after 4 validations without improvement (`l2l-search`). The lowest validation score "
            f"is chosen. Loss: median final train loss after {HORIZON} steps on "
            f"{experiment.plan.seeds} other seeds.\n",
            *text,
            "\n![Validation score and loss against the meta-learning rate](meta-rates.png)\n",
        ]
    )


def table(rows):
    """The draws by their rates, the chosen one bold."""
    best, lines = chosen(rows), []
    for row in sorted(rows, key=lambda r: float(r["meta_learning_rate"])):
        rate = f"{float(row['meta_learning_rate']):.2g}"
        lines.append(
            [
                f"**{rate}**" if row is best else rate,
                f"{float(row['score']):.3f}",
                f"{row['best_meta_step']} of {row['meta_steps']}",
                row["skipped"],
                number(row["loss"]),
            ]
        )
    return markdown(["meta-learning rate", "score", "at meta-step", "skipped", "loss"], lines)


def chosen(rows):
    """The draw with the lowest validation score."""
    return min(rows, key=lambda row: float(row["score"]))


def said(rows):
    """How good the choice is among the draws, on the reported seeds."""
    losses = sorted(row["loss"] for row in rows if row["loss"] is not None)
    if not losses:
        return "No draw had a finite validation.\n"
    mine = chosen(rows)["loss"]
    return (
        f"The draw chosen is number {1 + losses.index(mine)} of {len(rows)} on the reported seeds: "
        f"{number(mine)}; best {number(losses[0])}, median {number(losses[len(losses) // 2])}.\n"
    )


def plot(made, path):
    """Validation score, and loss on the reported seeds, against the rate: one panel a search."""
    figure, axes = plt.subplots(
        2, len(made), figsize=(3.6 * len(made), 5.6), layout="constrained", squeeze=False
    )
    for column, (name, rows) in zip(axes.T, made.items(), strict=True):
        shown = sorted(
            (r for r in rows if r["loss"] is not None), key=lambda r: float(r["meta_learning_rate"])
        )
        rates = [float(r["meta_learning_rate"]) for r in shown]
        best = chosen(rows)
        for axis, values, mine in (
            (column[0], [float(r["score"]) for r in shown], float(best["score"])),
            (column[1], [r["loss"] for r in shown], best["loss"]),
        ):
            axis.plot(rates, values, "o-", color="#4477aa", linewidth=1.0, markersize=5)
            axis.plot(
                [float(best["meta_learning_rate"])], [mine], "o", color="#ee6677", markersize=9
            )
            axis.set_xscale("log")
            axis.grid(True, color="#dddddd", linewidth=0.6)
        column[0].set_title(name.replace("-", ", ", 1).replace("-", " "), fontsize=10)
        column[1].set_yscale("log")
        column[1].set_xlabel("meta-learning rate")
    axes[0][0].set_ylabel("best validation score")
    axes[1][0].set_ylabel(f"loss after {HORIZON} steps, other seeds")
    figure.savefig(path, dpi=120)
    plt.close(figure)
