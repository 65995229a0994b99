"""The paper's experiments, and the review's, as one report.

python -m experiments.paper.run --output_dir=experiments/paper/results

Finished pieces are kept in --pieces, so that an interrupted run goes on where it stopped.
`--only` makes some sections alone (the others keep the text that they have), `--quick` small
versions of all, to see that everything works. What has to be meta-trained first:
`python -m experiments.paper.train`.
"""

import dataclasses
import datetime
import json
import pathlib
import shlex
import sys
import time

from absl import app, flags

from experiments.paper import (
    accuracy,
    art,
    choices,
    cifar,
    cost,
    horizons,
    meta_rates,
    networks,
    quadratics,
    transfer,
)
from experiments.paper.plan import FULL, QUICK, RUNS, Experiment
from experiments.pieces import Pieces
from l2l_tf.core.files import write_whole
from l2l_tf.evaluation import Results

FLAGS = flags.FLAGS
SECTIONS = {
    "quadratics": quadratics,
    "mnist": networks,
    "cifar10": cifar,
    "art": art,
    "transfer": transfer,
    "horizons": horizons,
    "choices": choices,
    "meta-rates": meta_rates,
    "accuracy": accuracy,
    "cost": cost,
}
TEXTS = "sections.json"

if __name__ == "__main__":
    flags.DEFINE_list("only", [], f"Sections to make, of {', '.join(SECTIONS)}; default: all.")
    flags.DEFINE_bool("quick", False, "Small versions of everything, in minutes.")
    flags.DEFINE_list("datasets", None, "Data sets of the transfer matrix; default: all.")
    rows = "Rows of the transfer matrix to measure, the others stay as recorded; default: all."
    flags.DEFINE_list("rows", [], rows)
    more = "Seeds of CIFAR-10 to run beside those recorded, at the recorded rates."
    flags.DEFINE_list("more_seeds", [], more)
    finer = "Tune CIFAR-10's baselines by quarter-decades around the recorded rates."
    flags.DEFINE_bool("finer_rates", False, finer)
    flags.DEFINE_string("output_dir", "experiments/paper/results", "For report, tables and plots.")
    flags.DEFINE_string("pieces", f"{RUNS}/pieces", "Where finished pieces are kept.")
    flags.DEFINE_string("runs", RUNS, "Where experiments.paper.train left its runs.")


def make(experiment, names, command):
    """Make sections one after another; the report is written anew after each.

    Args:
        experiment: `Experiment`.
        names: Names of `SECTIONS`.
        command: The command line, for the report.
    """
    experiment.output.mkdir(parents=True, exist_ok=True)
    kept = experiment.output / TEXTS
    texts = json.loads(kept.read_text()) if kept.is_file() else {}
    for name in names:
        print(f"{SECTIONS[name].TITLE} ...", flush=True)
        started = time.perf_counter()
        text = SECTIONS[name].run(experiment)
        texts[name] = {"text": text, "about": about(command, time.perf_counter() - started)}
        write_whole(kept, json.dumps(texts, indent=1, ensure_ascii=False) + "\n")
        write_whole(experiment.output / "report.md", report(texts))
        print(text, flush=True)


def about(command, seconds):
    """Provenance of a section; no name and no directory of this machine."""
    made = Results({}, [], [])
    versions = ", ".join(f"{k} {v}" for k, v in made.versions.items())
    return (
        f"`{command}`; base seed 0; {versions}; {made.cpu}, in use by others; "
        f"{datetime.date.today().isoformat()}; {seconds:.0f} s (less what finished pieces saved)"
    )


def report(texts):
    """The whole report as Markdown, sections in their order."""
    parts = [
        "# The paper's experiments\n",
        "Learned optimizers are bold and never tuned. Baselines have the learning rate with the "
        "least mean final train loss on seeds that are not reported; figures are medians over "
        "the reported seeds (lowest to highest). Losses are those of whole splits (at most the "
        "first 10,000 rows). `sections.json` holds these texts, the CSV files the records.\n",
    ]
    for name, section in SECTIONS.items():
        if name in texts:
            parts += [f"## {section.TITLE}\n", texts[name]["text"], f"{texts[name]['about']}\n"]
    return "\n".join(parts)


def main(argv):
    del argv
    unknown = sorted(set(FLAGS.only) - set(SECTIONS))
    if unknown:
        sys.exit(f"--only names sections, of {', '.join(SECTIONS)}. Received: {unknown}")
    plan = QUICK if FLAGS.quick else FULL
    if FLAGS.datasets is not None:
        if not FLAGS.datasets or set(FLAGS.datasets) - set(FULL.datasets):
            names = ", ".join(FULL.datasets)
            sys.exit(f"--datasets names some of {names}. Received: {FLAGS.datasets}")
        plan = dataclasses.replace(plan, datasets=tuple(FLAGS.datasets))
    unknown = sorted(set(FLAGS.rows) - set(transfer.ROWS))
    if unknown:
        sys.exit(f"--rows names rows, of {', '.join(transfer.ROWS)}. Received: {unknown}")
    if not all(seed.isdigit() for seed in FLAGS.more_seeds):
        sys.exit(f"--more_seeds are numbers of seeds, from 0. Received: {FLAGS.more_seeds}")
    more = tuple(map(int, FLAGS.more_seeds))
    plan = dataclasses.replace(
        plan,
        transfer_rows=tuple(FLAGS.rows),
        more_seeds=more,
        finer_rates=FLAGS.finer_rates,
    )
    given = [f"--only={','.join(FLAGS.only)}"] * bool(FLAGS.only) + ["--quick"] * FLAGS.quick
    given += [f"--datasets={','.join(plan.datasets)}"] * (FLAGS.datasets is not None)
    rows = ",".join(f'"{row}"' if "," in row else row for row in FLAGS.rows)
    given += [f"--rows={rows}"] * bool(rows)
    given += [f"--more_seeds={','.join(FLAGS.more_seeds)}"] * bool(FLAGS.more_seeds)
    given += ["--finer_rates"] * FLAGS.finer_rates
    experiment = Experiment(
        plan,
        Pieces(FLAGS.pieces),
        pathlib.Path(FLAGS.output_dir),
        pathlib.Path(FLAGS.runs),
    )
    command = shlex.join(["python", "-m", "experiments.paper.run", *given])
    make(experiment, FLAGS.only or list(SECTIONS), command)


if __name__ == "__main__":
    app.run(main)
