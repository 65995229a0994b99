r"""`l2l-search`: random search of the learning rate of `l2l-train`'s Adam.

Every draw is a run of `l2l-train` with the other flags, in a directory of its own; the one with the
least validation score is kept as `preset/`, all are listed in `search.csv`. With `--patience` a run
stops early where validation no longer improves. `--resume` goes on where a search stopped, also
with more draws. It needs --task and --output_dir, as l2l-train does.

Examples:

    l2l-search --rule=lstm --task=digits_mlp --draws=8 --patience=4 --output_dir=runs/search
    l2l-search --rule=lstm --task=digits_mlp --draws=16 --patience=4 --output_dir=runs/search \
        --resume
"""

import copy
import sys

from l2l_tf.cli import config_flags, train
from l2l_tf.cli.command_line import (
    CommandError,
    command_for_card,
    given_flags,
    parse,
    refuse_arguments,
    run_command,
    run_directory,
)
from l2l_tf.core.config import among, integer, number

OWN = ("draws", "min_rate", "max_rate")
GROUPS = {"The search": OWN} | {
    heading: [name for name in names if name != "meta_learning_rate"]
    for heading, names in train.GROUPS.items()
}
FLAGS = copy.deepcopy(train.FLAGS)
FLAGS.remove_flag_values({"meta_learning_rate": FLAGS["meta_learning_rate"]})
config_flags.define_flags(
    FLAGS,
    draws=integer(8, min=1, help="Meta-learning rates to try."),
    min_rate=number(1e-5, above=0, help="Least meta-learning rate."),
    max_rate=number(1e-2, above=0, help="Greatest meta-learning rate."),
)
config_flags.effective(FLAGS, OWN, {"meta_optimizer": among("adam")})


def main(argv):
    """Search as the flags say; returns the exit code."""
    refuse_arguments(argv)
    output = run_directory(FLAGS)
    train.meta_run_module()
    from l2l_tf.meta import search

    try:
        rates = [
            search.meta_learning_rate(FLAGS.seed, n, FLAGS.min_rate, FLAGS.max_rate)
            for n in range(FLAGS.draws)
        ]
    except ValueError as error:
        raise CommandError(str(error)) from error
    outcomes, best = [], None
    given = given_flags(FLAGS, (*OWN, "output_dir", "resume"))
    for draw, rate in enumerate(rates):
        print(f"Draw {draw + 1} of {len(rates)}: meta-learning rate {rate:g}", flush=True)
        directory = search.directory_of(output, draw)
        own = [f"--meta_learning_rate={rate}", f"--output_dir={directory}", "--resume"]
        code = train.main(parse("l2l-train", train.FLAGS, [*given, *own]))
        outcome = search.outcome_of(output, draw)
        if outcome is not None:
            outcomes.append(outcome)
            best = search.keep(output, outcomes, command_for_card("search", FLAGS))
        if code > 128:
            return code
    print(search.table(outcomes))
    if best is None:
        print("No draw had a finite validation, so there is nothing to keep.", file=sys.stderr)
        return 1
    print(
        f"The preset, of meta-learning rate {best.meta_learning_rate:g}, is in {output / 'preset'}"
    )
    return 0


def run(argv=None):
    """Entry point of `l2l-search`; returns the exit code."""
    return run_command("l2l-search", _description, FLAGS, main, argv, _define, GROUPS)


def _description():
    return f"{__doc__.partition(':')[2].strip()}\n\n{train.known_names()}"


def _define():
    for flag_values in (FLAGS, train.FLAGS):
        train.define_estimators(flag_values)


if __name__ == "__main__":
    sys.exit(run())
