"""Draws committed pictures again from the records that stand beside them.

python -m experiments.redraw results/digits experiments/paper/results --output_dir=runs/redrawn

`suite.json`, packed or not, gives `suite.png`, `results.json` gives `curves.png`, and a CSV of an
evaluation's records the PNG of its name. What cannot be drawn again has no such file beside it.
"""

import csv
import dataclasses
import pathlib

from absl import app, flags

from l2l_tf.evaluation import Contestant, Record, Results, baselines, suite

FLAGS = flags.FLAGS
COLUMNS = [field.name for field in dataclasses.fields(Record)]
TEXTS = ("task", "optimizer")
SUITES = ("suite.json", "suite.json.xz")

if __name__ == "__main__":
    flags.DEFINE_string("output_dir", "runs/redrawn", "Where the pictures go.")


def sources(directory):
    """Dict name of a picture → the file of `directory` that it is drawn from."""
    found = {}
    for path in sorted(pathlib.Path(directory).iterdir()):
        if path.name in SUITES:
            found["suite.png"] = path
        elif path.name == "results.json" and (path.parent / "curves.png").exists():
            found["curves.png"] = path
        elif path.suffix == ".csv" and path.with_suffix(".png").exists() and _header(path):
            found[f"{path.stem}.png"] = path
    return found


def draw(source, path):
    """Write the picture of a file of `sources` to `path`."""
    if source.name in SUITES:
        suite.draw(suite.ranked(Results.from_json(source)), path)
    elif source.suffix == ".json":
        Results.from_json(source).plot(path)
    else:
        from_records(source).plot(path)


def from_records(path):
    """`Results` of a CSV of records. Who is no baseline by name was learned."""
    with open(path, newline="") as file:
        records = [_record(row) for row in csv.DictReader(file)]
    rates = {(r.task, r.optimizer): r.learning_rate for r in records}
    known = baselines.names()
    contestants = [
        Contestant(task, name, name not in known, learning_rate=rate)
        for (task, name), rate in rates.items()
    ]
    return Results({}, contestants, records, date="", cpu=f"from {path.name}")


def _record(row):
    numbers = {n: float(v) if v else None for n, v in row.items() if n not in TEXTS}
    whole = {name: int(row[name]) for name in ("seed", "step")}
    return Record(**{**row, **numbers, **whole})


def _header(path):
    with open(path, newline="") as file:
        return next(csv.reader(file), None) == COLUMNS


def main(argv):
    output = pathlib.Path(FLAGS.output_dir)
    for directory in map(pathlib.Path, argv[1:]):
        for name, source in sources(directory).items():
            target = output / directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            draw(source, target)
            print(f"{source} → {target}")


if __name__ == "__main__":
    app.run(main)
