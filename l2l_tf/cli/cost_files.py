"""`l2l-evaluate --report=cost`: when a dearer step pays back, printed and as a file."""

import dataclasses

from l2l_tf.cli.command_line import CommandError
from l2l_tf.cli.text_table import terminal_width, text_table
from l2l_tf.core.files import write_csv

NAME = "cost.csv"
LEGEND = """
× Adam's:   time of a step / tuned Adam's, the speed-up in steps from which on it is quicker in
            seconds; median over tasks
speed-up:   to tuned Adam's final train loss, in steps and in seconds; 0 where it is never reached
quicker on: tasks with a speed-up in seconds above 1
"""


def check_reference(report, names):
    """Raise `CommandError` if a report is wanted without what it compares with.

    Args:
        report: The flag `--report`.
        names: Baselines that are to run.
    """
    if report and "adam" not in names:
        raise CommandError(
            "--report=cost tells costs beside tuned adam, which is then one of --baselines. "
            f"Received: --baselines={','.join(names)}"
        )


def written(report, results, output):
    """Print and write the report, if one is wanted; nothing is run.

    Args:
        report: The flag `--report`.
        results: `Results` of a comparison or a suite.
        output: Directory, `pathlib.Path`.

    Returns:
        List of names of the files that were written.
    """
    if not report:
        return []
    rows = [results.cost(task) for task in results.tasks]
    every = [row for of_task in rows for row in of_task]
    write_csv(output / NAME, [dataclasses.asdict(row) for row in every])
    if "suite" in results.settings:
        _print_over_tasks(every)
    else:
        _print_by_task(results, rows)
    return [NAME]


def _print_by_task(results, rows):
    from rich.console import Console

    from l2l_tf.evaluation import tables

    console = Console(width=terminal_width())
    for of_task in rows:
        console.print(tables.cost_table(results, of_task))


def _print_over_tasks(rows):
    from l2l_tf.evaluation import cost

    print(text_table(*cost.over_tasks(rows), wrapped=0))
    print(LEGEND)
