"""The part of `l2l-evaluate` that runs a suite."""

import sys
import time

from l2l_tf.cli import cost_files
from l2l_tf.cli.command_line import CommandError, errors_of_data, in_one_line, output_directory
from l2l_tf.cli.contenders import contenders_of
from l2l_tf.cli.text_table import text_table
from l2l_tf.core.config import given_fields
from l2l_tf.evaluation.settings import Settings
from l2l_tf.evaluation.tuning import Grid

LEGEND = """
speed-up:      in steps to the final loss of tuned Adam, interquartile mean over tasks
along the run: train loss / tuned Adam's, geometric mean over the run and the tasks
ahead of Adam: share of tasks with a lower final train loss than Adam's, tuned and at 1e-3
held out:      final held-out loss / tuned Adam's, median over tasks
"""


def main(flags):
    """Run the suite as the flags say; returns the exit code.

    Args:
        flags: Parsed flags of `l2l-evaluate`.

    Raises:
        CommandError: If the flags or the machine's data do not allow it.
    """
    output = output_directory(flags)
    cache = flags.cache_dir or output / "runs"
    from l2l_tf.evaluation import page, suite

    baselines = _baselines(flags, suite)
    cost_files.check_reference(flags.report, baselines)
    begun = time.time()
    try:
        results = suite.run_suite(
            suite.entries(flags.half, flags.task or (), flags.suite),
            [*contenders_of(flags), *baselines],
            _settings(flags, suite.SUITES[flags.suite]),
            stretch=flags.stretch * (suite.QUICK_STRETCH if flags.quick else 1.0),
            suite=flags.suite,
            cache_dir=cache,
            progress=sys.stderr.isatty(),
        )
        ranking = suite.ranked(results)
        suite.write(ranking, output)
        if flags.html:
            suite.write_page(ranking, output / page.NAME)
    except KeyboardInterrupt:
        print(f"Interrupted. Finished runs are in {cache}; the same command goes on there.")
        return 130
    except (ValueError, ImportError, OSError, *errors_of_data()) as error:
        raise CommandError(in_one_line(error)) from error
    print(text_table(*suite.overview(ranking), wrapped=0))
    print(LEGEND)
    names = [page.NAME] if flags.html else []
    names += cost_files.written(flags.report, results, output)
    print(
        f"{', '.join(['suite.md, suite.png, suite.json, tasks.csv', *names])} and "
        f"curves.csv are in {output} "
        f"({(time.time() - begun) / 60:.1f} minutes; finished runs were taken from {cache})."
    )
    return 0


def _baselines(flags, suite):
    if flags["baselines"].present:
        return flags.baselines
    return suite.QUICK_BASELINES if flags.quick else suite.SUITES[flags.suite].baselines


# What each task of a suite has its own of.
OWN = {
    "steps": "--stretch is a factor on them",
    "jit_compile": "it is what is quicker",
    "functions": "they have data",
}


def _settings(flags, chosen):
    """The suite's settings, with those that were given by flags in their place."""
    settings = chosen.quick if flags.quick else chosen.settings
    given = given_fields(Settings, flags)
    for name in set(OWN) & set(given):
        raise CommandError(
            f"A suite's tasks have {name} of their own; {OWN[name]}. "
            f"Received: --{name}={given[name]}"
        )
    if given.get("report_rows") == 0:
        raise CommandError("A suite reports on some rows. Received: --report_rows=0")
    grid = settings.grid.replaced(**given_fields(Grid, flags))
    return settings.replaced(**given, grid=grid)
