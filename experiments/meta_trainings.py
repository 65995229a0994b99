"""What comparisons of meta-trainings on several problems share: flags, runs, report, pictures."""

import contextlib
import functools
import pathlib

import matplotlib.pyplot as plt
import numpy as np
from absl import flags

from experiments.tables import markdown
from l2l_tf import meta, presets
from l2l_tf.core.files import write_csv, write_whole

# Those that rates are chosen on; reported ones count from 1.
CHOOSING_SEEDS = (0, 101)


def define_flags(experiment, problems, written, seeds=2):
    """Define --problems, --rule, --seeds, --pieces, --output_dir and --report.

    Args:
        experiment: Its folder in `experiments/`.
        problems: Names of its problems.
        written: Name of the files of its report.
        seeds: How many seeds are reported.
    """
    flags.DEFINE_list("problems", list(problems), f"Of {', '.join(problems)}.")
    flags.DEFINE_string("rule", "rnnprop(hidden_size=8,layers=1)", "What is meta-trained.")
    flags.DEFINE_integer("seeds", seeds, "Seeds that are reported, from 1.", 1)
    directory = f"runs/{experiment.replace('_', '-')}"
    flags.DEFINE_string("pieces", directory, "Where finished runs are kept.")
    flags.DEFINE_string("output_dir", f"experiments/{experiment}/results", "For the report.")
    flags.DEFINE_string("report", written, "Name of the files of the report.")


class Runs:
    """Meta-trainings of one rule on one problem, all through one trainer, which is traced once.

    Args:
        problem: Its name.
        task: Its task, a text.
        num_validation_tasks: Optimizees of a validation.
        rule: What is meta-trained, a text.
        estimator: `meta.Estimator`.
        pieces: `Pieces`, where finished runs are kept.
        **settings: Of the trainer.
    """

    def __init__(self, problem, task, num_validation_tasks, rule, estimator, pieces, **settings):
        self.problem, self.task, self.rule = problem, task, rule
        self.estimator, self.pieces = estimator, pieces
        self.settings = {"num_validation_tasks": num_validation_tasks, **settings}

    @functools.cached_property
    def trainer(self):
        """The one trainer, made when a run is not on disk."""
        return meta.Trainer(self.rule, [self.task], self.estimator, **self.settings)

    def start(self, seed):
        """The rule as a run begins: untrained weights of that seed, or the preset's."""
        rule, preset = presets.resolve(self.rule, untrained=True)
        return rule if preset else rule.bind(rule.initial_meta_params(seed))

    def kept(self, name, key, run):
        """What `run()` returns, from disk if it was run for the same key before."""
        return self.pieces.value(f"{self.problem}-{name}", key, run)

    def say(self, *about, scores):
        """Print how the validation scores of a run went."""
        print(self.problem, *about, [round(score, 3) for score in scores], flush=True)


def lowest(scores):
    """The lowest validation score of a run: that of what is kept."""
    return float(np.min(scores))


def chosen(grid):
    """The rate whose runs had the lowest scores: of a dict rate → scores of each run."""
    return min(grid, key=lambda rate: mean_lowest(grid[rate]))


def mean_lowest(runs):
    """Mean over runs of the lowest score of each."""
    return float(np.mean([lowest(scores) for scores in runs]))


def gain(scores):
    """How much a run lowered the validation score."""
    return float(scores[0] - np.min(scores))


def median_and_range(values):
    """Median, with the lowest and the highest behind it."""
    return f"{np.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def spelled_scores(scores):
    """A run's validation scores as one cell of a CSV."""
    return " ".join(f"{s:.4f}" for s in scores)


def report(output_dir, name, title, header, problems, measure, draw):
    """Write `name` `.md`, `.csv` and `.png`, anew after each problem.

    Args:
        output_dir: Where they go; made if there is none.
        name: Their name.
        title: What stands above the tables.
        header: Names of a table's columns.
        problems: Names of the problems.
        measure: Function of a problem → `(found, heading, rows, records)`: what `draw` takes of it,
            its heading, the rows of its table, and those of the CSV.
        draw: Function of a dict problem → found and of a path, which draws the picture.
    """
    output = pathlib.Path(output_dir)
    output.mkdir(parents=True, exist_ok=True)
    text, written, found = title, [], {}
    for problem in problems:
        found[problem], heading, rows, records = measure(problem)
        text += f"\n## {heading}\n\n{markdown(header, rows)}"
        written += records
        write_whole(output / f"{name}.md", text)
        write_csv(output / f"{name}.csv", written)
        draw(found, output / f"{name}.png")


@contextlib.contextmanager
def two_rows(problems, path):
    """Two plots, one above the other, for each problem; they are saved to `path` afterwards.

    Yields:
        List of pairs of axes, one for each problem.
    """
    figure, axes = plt.subplots(
        2, len(problems), figsize=(5.2 * len(problems), 7), layout="constrained", squeeze=False
    )
    yield list(axes.T)
    for column, problem in zip(axes.T, problems, strict=True):
        column[0].set_title(problem)
        for axis in column:
            axis.grid(True, color="#dddddd", linewidth=0.6)
    axes[0][0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)
