r"""`l2l-evaluate`: learned optimizers beside tuned hand-crafted ones.

It needs --output_dir, and --task or --suite; --preset and --contender name what is compared with
the --baselines, each of which has its learning rate tuned first, on other seeds. Finished runs are
kept: an interrupted command goes on when it is given again. The first line below takes minutes and
needs no download.

Examples:

    l2l-evaluate --preset=lstm-digits --task=digits_mlp --steps=100 --output_dir=runs/evaluated
    l2l-evaluate --preset=runs/first/preset --task='digits_mlp(hidden=20)' --baselines=adam \
        --output_dir=runs/first-evaluated
    l2l-evaluate --suite=general --quick --contender=runs/first/preset \
        --cache_dir=runs/suite --output_dir=runs/first-judged
    l2l-evaluate --results=runs/evaluated/results.json --report=cost --output_dir=runs/evaluated
"""

import operator
import sys

from absl import flags

from l2l_tf.cli import cost_files
from l2l_tf.cli.command_line import (
    CommandError,
    command_flags,
    errors_of_data,
    in_one_line,
    listed,
    output_directory,
    refuse_arguments,
    run_command,
)
from l2l_tf.cli.config_flags import define, define_flags, effective
from l2l_tf.cli.contenders import contenders_of
from l2l_tf.cli.text_table import terminal_width
from l2l_tf.core.config import boolean, choice, from_flags, number
from l2l_tf.evaluation.settings import Settings
from l2l_tf.evaluation.tuning import Grid

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
define_flags(
    FLAGS,
    suite=choice(None, ("general", "middle"), help="Judge on all tasks of a suite; see --half."),
    half=choice(
        "development",
        ("development", "report"),
        help="Half of the suite: for choices, or for figures that are published.",
        when={"suite": bool},
    ),
    quick=boolean(
        False,
        help="A first look at the suite: a fifth of the steps, three rates, two seeds, fewer "
        "baselines.",
        when={"suite": bool},
    ),
    stretch=number(
        1.0, above=0, help="Factor on the steps of the suite's tasks.", when={"suite": bool}
    ),
)
flags.DEFINE_multi_string(
    "task",
    None,
    "Task, as 'name(argument=value,…)'; of a suite: the name of one of its tasks. Repeatable.",
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "baselines",
    "sgd,momentum,nesterov,adagrad,rmsprop,rprop,adam,adamw",
    "Hand-crafted optimizers of those above, each tuned, with commas between. Empty: none.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "output_dir", None, "Directory for results.csv, results.json, curves.png.", flag_values=FLAGS
)
define_flags(
    FLAGS,
    html=boolean(
        False,
        help="Write page.html too: one file with tables, interactive curves and a heat map.",
    ),
    report=choice(
        None,
        ("cost",),
        help="A report more. cost: what a step costs beside tuned Adam's and when that pays back, "
        "in steps and in seconds; printed, and written as cost.csv.",
    ),
    known_horizon=boolean(
        False,
        help="Give presets the length of the run (total_steps).",
        when={"preset": bool},
    ),
)
flags.DEFINE_multi_string(
    "results",
    [],
    "results.json or suite.json of an earlier evaluation, packed by xz or not, to make page.html "
    "of, and what --report says; nothing is run. Repeatable: comparisons on other tasks, side by "
    "side.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "cache_dir",
    None,
    "Directory of finished runs; default: OUTPUT_DIR/runs.",
    flag_values=FLAGS,
)
define(FLAGS, Settings)
TUNED_OVER = [*define(FLAGS, Grid), "grid_seeds", "tune_for"]
effective(FLAGS, TUNED_OVER, {"baselines": bool})
# What there is to say where nothing is run.
OF_EARLIER = {"results", "output_dir", "report", "html", "import"}
effective(FLAGS, sorted(set(FLAGS) - OF_EARLIER), {"results": operator.not_})
GROUPS = {
    "On a task (--task and --output_dir are needed)": (
        "task",
        "preset",
        "output_dir",
        "steps",
        "seeds",
        "baselines",
        "known_horizon",
    ),
    "On a suite": ("suite", "half", "quick", "contender", "stretch", "cache_dir"),
    "Reports": ("html", "report", "results"),
    "The learning rates that baselines are tuned over": TUNED_OVER,
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
        contenders = contenders_of(FLAGS)
        results = evaluation.evaluate(
            FLAGS.task,
            [*contenders, *FLAGS.baselines],
            from_flags(Settings, FLAGS, grid=from_flags(Grid, FLAGS)),
            cache_dir=cache,
            progress=sys.stderr.isatty(),
        )
    except KeyboardInterrupt:
        print(f"Interrupted. Finished runs are in {cache}; the same command goes on there.")
        return 130
    except (ValueError, ImportError, OSError, *errors_of_data()) as error:
        raise CommandError(in_one_line(error)) from error
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
        raise CommandError(in_one_line(error)) from error
    names = [page.NAME, *reports]
    print(f"{' and '.join(names)} {'are' if reports else 'is'} in {output}")
    return 0


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
    return run_command("l2l-evaluate", _description, FLAGS, main, argv, groups=GROUPS)


def _description():
    from l2l_tf import presets, rules, tasks
    from l2l_tf.evaluation import baselines

    names = listed(
        Tasks=tasks.names(),
        Presets=presets.list_presets(),
        Baselines=baselines.names(),
        **{"Rules, for --contender": rules.names()},
    )
    return f"{__doc__.partition(':')[2].strip()}\n\n{names}"


if __name__ == "__main__":
    sys.exit(run())
