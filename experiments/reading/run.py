"""What the shipped optimizers do along a run: do steps shrink as the loss converges?

python -m experiments.reading.run

Trains nets and quadratics with shipped presets, beside Adam and gradient descent with momentum,
and measures every step: sizes, cosines, LSTM states, averaging cells, memories. Writes
`readings.json` (medians along the run, each seed's answers), `reading.md` (tables) and pictures.
Finished runs are kept in --pieces, so that an interrupted command goes on where it stopped;
--redraw makes tables and pictures again from `readings.json` and trains nothing. Without a data
set: --problems=digits,noisy,quadratic,uniform,conditioned.
"""

import functools
import json
import pathlib
import sys

import numpy as np
from absl import flags

from experiments.pieces import Pieces, code_of
from experiments.reading import answers, figures, measures, plan, reports, runs
from l2l_tf import presets, tasks
from l2l_tf.cli.command_line import CommandError, refuse_arguments, run_command
from l2l_tf.core.files import to_json, write_whole
from l2l_tf.data import DataNotPreparedError
from l2l_tf.evaluation.contenders import identity_of

RESULTS, QUICK_RESULTS = "experiments/reading/results", "runs/reading/quick"
QUICK_STEPS = 40
FLAGS = flags.FlagValues()

_HELP = {
    "problems": f"Of {', '.join(plan.PROBLEMS)}.",
    "quick": f"One seed, {QUICK_STEPS} steps: whether it runs at all.",
    "redraw": "Tables and pictures again, from readings.json alone.",
    "output_dir": f"Default: {RESULTS}; with --quick {QUICK_RESULTS}.",
}
flags.DEFINE_list("problems", list(plan.PROBLEMS), _HELP["problems"], flag_values=FLAGS)
flags.DEFINE_integer("seeds", 3, "Runs of each, whose medians are shown.", 1, flag_values=FLAGS)
flags.DEFINE_bool("quick", False, _HELP["quick"], flag_values=FLAGS)
flags.DEFINE_bool("redraw", False, _HELP["redraw"], flag_values=FLAGS)
flags.DEFINE_string(
    "pieces", "runs/reading/pieces", "Where finished runs are kept.", flag_values=FLAGS
)
flags.DEFINE_string("output_dir", None, _HELP["output_dir"], flag_values=FLAGS)


def read(problem, steps, seeds, pieces):
    """Dict rule → what `answers.together` makes of its runs on a problem.

    Args:
        problem: `plan.Problem`.
        steps: Length of a run.
        seeds: Number of runs.
        pieces: `Pieces`.
    """
    readers, found = {}, {}
    for name in problem.rules:
        reading = plan.READINGS[name]
        rule = presets.resolve(reading.source).rule
        key = [identity_of(rule), problem.task, steps, reading.told, code_of(measures, runs)]

        def measured(index, rule=rule, reading=reading):
            if reading.source not in readers:  # One compilation, whatever a rule is told.
                readers[reading.source] = runs.Reader(rule, tasks.get(problem.task), steps)
            return _rounded(readers[reading.source].run(index, reading.told), 7)

        kept = [
            pieces.value("reading", [*key, index], functools.partial(measured, index))
            for index in range(seeds)
        ]
        for one in kept:
            del one["seconds"]
        found[name] = answers.together([answers.summarized(one) for one in kept])
        ratio = reports.spread(found[name]["answers"]["ratio"])
        print(f"{problem.title}: {name}: step, late / early: {ratio}", flush=True)
    return found


def to_text(readings, seeds):
    """`readings.json`: four digits of each answer, three of what is drawn, a rule on a line."""

    def lines(rules):
        return ",\n".join(
            f"   {json.dumps(name)}: "
            + to_json({part: _rounded(v, 4 if part == "answers" else 3) for part, v in of.items()})
            for name, of in rules.items()
        )

    problems = ",\n".join(
        f"  {json.dumps(problem)}: {{\n{lines(rules)}\n  }}" for problem, rules in readings.items()
    )
    return f'{{\n "seeds": {seeds},\n "problems": {{\n{problems}\n }}\n}}\n'


def _rounded(value, digits):
    """The same dicts and lists with so many digits of each number."""
    if isinstance(value, dict):
        return {name: _rounded(of, digits) for name, of in value.items()}
    if isinstance(value, list | np.ndarray):
        return [_rounded(of, digits) for of in value]
    return float(f"{value:.{digits}g}")


class NothingReadError(ValueError):
    """There is no `readings.json`."""


def from_file(path):
    """`(readings, seeds)` of `readings.json`; what was not finite is None.

    Raises:
        NothingReadError: If there is no such file.
    """
    if not path.is_file():
        raise NothingReadError(f"There is nothing to draw from. Received: {path}")
    found = json.loads(path.read_text("utf-8"))
    return found["problems"], found["seeds"]


def finish(output):
    """Write tables and pictures from the `readings.json` of a directory."""
    readings, seeds = from_file(output / "readings.json")
    write_whole(output / "reading.md", reports.report(readings, seeds))
    for path in figures.draw(readings, output):
        print(path)


def main(argv):
    """Read and draw, or draw alone; returns the exit code."""
    refuse_arguments(argv)
    output = pathlib.Path(FLAGS.output_dir or (QUICK_RESULTS if FLAGS.quick else RESULTS))
    if output.is_file():
        raise CommandError(f"--output_dir is a directory. Received: --output_dir={output}")
    try:
        problems = plan.chosen(FLAGS.problems)
        if not FLAGS.redraw:
            read_all(problems, output)
        finish(output)
    except (NothingReadError, plan.UnknownProblemError, DataNotPreparedError) as error:
        raise CommandError(str(error)) from error
    return 0


def read_all(problems, output):
    """Read problems, a dict name → `plan.Problem`, and write `readings.json` after each."""
    output.mkdir(parents=True, exist_ok=True)
    pieces, readings = Pieces(FLAGS.pieces), {}
    seeds = 1 if FLAGS.quick else FLAGS.seeds
    for name, problem in problems.items():
        steps = min(problem.steps, QUICK_STEPS) if FLAGS.quick else problem.steps
        readings[name] = read(problem, steps, seeds, pieces)
        write_whole(output / "readings.json", to_text(readings, seeds))


def run(argv=None):
    """Entry point; returns the exit code."""
    return run_command("reading", __doc__, FLAGS, main, argv)


if __name__ == "__main__":
    sys.exit(run())
