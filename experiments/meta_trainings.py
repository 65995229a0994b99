"""What comparisons of meta-trainings on several problems share: their report and its pictures."""

import contextlib
import pathlib

import matplotlib.pyplot as plt
import numpy as np

from experiments.tables import markdown
from l2l_tf.core.files import write_csv, write_whole


def lowest(scores):
    """The lowest validation score of a run: that of what is kept."""
    return float(np.min(scores))


def gain(scores):
    """How much a run lowered the validation score."""
    return float(scores[0] - np.min(scores))


def mean_and_range(values):
    """Mean, with the lowest and the highest behind it."""
    return f"{np.mean(values):.2f} ({min(values):.2f} to {max(values):.2f})"


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
