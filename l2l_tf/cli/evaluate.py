r"""`l2l-evaluate`: learned optimizers beside tuned hand-crafted ones.

Examples:

    l2l-evaluate --preset=lstm-digits --task=digits_mlp --steps=100 --output_dir=runs/evaluated
    l2l-evaluate --preset=runs/first/preset --task='digits_mlp(hidden=20)' --baselines=adam \
        --output_dir=runs/first-evaluated
    l2l-evaluate --suite=general --quick --contender=runs/first/preset \
        --cache_dir=runs/suite --output_dir=runs/first-judged
    l2l-evaluate --results=runs/evaluated/results.json --report=cost --output_dir=runs/evaluated
"""

import sys

from absl import flags

from l2l_tf.cli import cost_files
from l2l_tf.cli.command_line import (
    CommandError,
    command_flags,
    output_directory,
    refuse_arguments,
    run_command,
)
from l2l_tf.cli.text_table import terminal_width

FLAGS = command_flags()

flags.DEFINE_multi_string(
    "preset", [], "Name of a preset, or a preset directory; repeatable.", flag_values=FLAGS
)
flags.DEFINE_multi_string(
    "contender",
    [],
    "Optimizer as [NAME=]SOURCE[@known_horizon]: a preset's name or directory, a rule with its "
    "arguments, or rule:NAME(…) with untrained weights; @known_horizon: it knows the length of "
    "the run. Repeatable.",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "suite",
    None,
    ["general", "middle"],
    "Judge on all tasks of a suite; see --half.",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "half",
    "development",
    ["development", "report"],
    "Half of the suite: for choices, or for figures that are published.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "quick",
    False,
    "A first look at the suite: a fifth of the steps, three rates, two seeds, fewer baselines.",
    flag_values=FLAGS,
)
flags.DEFINE_float("stretch", 1.0, "Factor on the steps of the suite's tasks.", flag_values=FLAGS)
flags.DEFINE_multi_string(
    "task",
    None,
    "Task, as 'name(argument=value,…)'; of a suite: the name of one of its tasks. Repeatable.",
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "baselines",
    "sgd,momentum,nesterov,adagrad,rmsprop,rprop,adam,adamw",
    "Hand-crafted optimizers, each tuned; docs/evaluation.md lists all. Empty: none.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "output_dir", None, "Directory for results.csv, results.json, curves.png.", flag_values=FLAGS
)
flags.DEFINE_bool(
    "html",
    False,
    "Write page.html too: one file with tables, interactive curves and a heat map.",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "report",
    None,
    ["cost"],
    "A report more. cost: what a step costs beside tuned Adam's and when that pays back, in steps "
    "and in seconds; printed, and written as cost.csv.",
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    "results",
    [],
    "results.json or suite.json of an earlier evaluation, to make page.html of, and what --report "
    "says; nothing is run. Repeatable: comparisons on other tasks, side by side.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "cache_dir",
    None,
    "Directory of finished runs; default: OUTPUT_DIR/runs.",
    flag_values=FLAGS,
)
flags.DEFINE_integer("steps", 100, "Steps per run.", 1, flag_values=FLAGS)
flags.DEFINE_integer("seeds", 5, "Reported runs per optimizer.", 1, flag_values=FLAGS)
flags.DEFINE_integer("seed", 0, "Seed that all others come from.", 0, flag_values=FLAGS)
flags.DEFINE_integer("records", 20, "Recorded steps besides the start.", 1, flag_values=FLAGS)
flags.DEFINE_integer(
    "functions",
    1,
    "Functions per run, for tasks without data such as quadratics: losses are their means.",
    1,
    flag_values=FLAGS,
)
flags.DEFINE_float("grid_low", 1e-7, "Smallest learning rate.", flag_values=FLAGS)
flags.DEFINE_float("grid_high", 1.0, "Largest learning rate.", flag_values=FLAGS)
flags.DEFINE_integer(
    "grid_per_decade", 2, "Learning rates per factor of ten.", 1, flag_values=FLAGS
)
flags.DEFINE_integer(
    "grid_extend",
    8,
    "Most rates added at either end of the grid while the best one lies there.",
    0,
    flag_values=FLAGS,
)
flags.DEFINE_integer("grid_seeds", 2, "Runs per learning rate.", 1, flag_values=FLAGS)
flags.DEFINE_enum(
    "tune_for",
    "train_loss",
    ["train_loss", "held_out_loss"],
    "Final loss that the grid is judged by; the held-out one is of the validation split.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "known_horizon",
    False,
    "Give presets the length of the run (total_steps).",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "report_rows", 10_000, "Most rows of a split in a report; 0: all.", 0, flag_values=FLAGS
)
flags.DEFINE_bool(
    "jit_compile", None, "Compile with XLA; default: if the task can.", flag_values=FLAGS
)
GROUPS = {
    "On a task": ("task", "preset", "output_dir", "steps", "seeds", "baselines", "known_horizon"),
    "On a suite": ("suite", "half", "quick", "contender", "stretch", "cache_dir"),
    "Reports": ("html", "report", "results"),
    "The learning rates that baselines are tuned over": (
        "grid_low",
        "grid_high",
        "grid_per_decade",
        "grid_extend",
        "grid_seeds",
        "tune_for",
    ),
}


def main(argv):
    """Entry point; returns the exit code."""
    refuse_arguments(argv)
    if FLAGS.results:
        return _page_of_earlier_results()
    if FLAGS.suite:
        from l2l_tf.cli import evaluate_suite

        return evaluate_suite.main(FLAGS)
    if not FLAGS.task or not FLAGS.output_dir:
        raise CommandError(
            f"--task and --output_dir are needed. Received: --task={FLAGS.task} "
            f"--output_dir={FLAGS.output_dir}"
        )
    if not FLAGS.preset and not FLAGS.contender and not FLAGS.baselines:
        raise CommandError("--preset, --contender or --baselines is needed. Received: neither")
    cost_files.check_reference(FLAGS.report, FLAGS.baselines)
    output = output_directory(FLAGS)
    cache = FLAGS.cache_dir or output / "runs"
    from l2l_tf import evaluation

    try:
        contenders = [evaluation.learned(p, None, FLAGS.known_horizon) for p in FLAGS.preset]
        contenders += [evaluation.contender_from_text(text) for text in FLAGS.contender]
        results = evaluation.evaluate(
            FLAGS.task,
            [*contenders, *FLAGS.baselines],
            _settings(),
            cache_dir=cache,
            progress=sys.stderr.isatty(),
        )
    except KeyboardInterrupt:
        print(f"Interrupted. Finished runs are in {cache}; the same command goes on there.")
        return 130
    except (ValueError, ImportError, OSError) as error:
        raise CommandError(str(error)) from error
    _write(results, output)
    return 0


def _page_of_earlier_results():
    output = output_directory(FLAGS)
    from l2l_tf import evaluation
    from l2l_tf.evaluation import page, suite

    try:
        results = evaluation.Results.merged(map(evaluation.Results.from_json, FLAGS.results))
        output.mkdir(parents=True, exist_ok=True)
        if "suite" in results.settings:
            suite.write_page(suite.ranked(results), output / page.NAME)
        else:
            results.to_html(output / page.NAME)
        reports = cost_files.written(FLAGS.report, results, output)
    except (ValueError, ImportError, OSError) as error:
        raise CommandError(str(error)) from error
    names = [page.NAME, *reports]
    print(f"{' and '.join(names)} {'are' if reports else 'is'} in {output}")
    return 0


def _settings():
    from l2l_tf import evaluation

    return evaluation.Settings(
        steps=FLAGS.steps,
        seeds=FLAGS.seeds,
        grid=evaluation.Grid(
            FLAGS.grid_low, FLAGS.grid_high, FLAGS.grid_per_decade, FLAGS.grid_extend
        ),
        grid_seeds=FLAGS.grid_seeds,
        tune_for=FLAGS.tune_for,
        functions=FLAGS.functions,
        records=FLAGS.records,
        report_rows=FLAGS.report_rows or None,
        jit_compile=FLAGS.jit_compile,
        seed=FLAGS.seed,
    )


def _write(results, output):
    from rich.console import Console

    from l2l_tf.evaluation import page

    output.mkdir(parents=True, exist_ok=True)
    results.to_csv(output / "results.csv")
    results.to_json(output / "results.json")
    results.plot(output / "curves.png")
    console = Console(width=terminal_width())
    for task in results.tasks:
        console.print(results.to_table(task))
    names = ["results.csv", "results.json", "curves.png"]
    if FLAGS.html:
        results.to_html(output / page.NAME)
        names.append(page.NAME)
    names += cost_files.written(FLAGS.report, results, output)
    print(f"{', '.join(names[:-1])} and {names[-1]} are in {output}")


def run(argv=None):
    """Entry point of `l2l-evaluate`; returns the exit code."""
    return run_command("l2l-evaluate", __doc__.partition(":")[2], FLAGS, main, argv, groups=GROUPS)


if __name__ == "__main__":
    sys.exit(run())
