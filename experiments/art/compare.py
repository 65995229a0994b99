"""Compares a learned optimizer with tuned ones on neural art, and keeps their pictures.

python -m experiments.art.compare --preset=lstm-neural-art --output_dir=runs/art-results

Needs `python -m tools.offline_data photographs paintings vgg16`. Learning rates are tuned on
photographs for validation; what is reported is on photographs for tests. What is finished is kept
in `--cache_dir`, so that an interrupted run goes on. `--beside` names the `results.json` of an
earlier comparison, whose rows stand beside the preset's in place of baselines that are tuned anew.
"""

import dataclasses
import datetime
import json
import pathlib
import platform

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from absl import app, flags
from PIL import Image

from l2l_tf import tasks
from l2l_tf.core.files import write_whole
from l2l_tf.evaluation import baselines, contenders
from l2l_tf.evaluation.tuning import Grid, search

FLAGS = flags.FLAGS

if __name__ == "__main__":
    flags.DEFINE_string("preset", "lstm-neural-art", "Preset, or path of one.")
    flags.DEFINE_multi_string("baseline", ["adam", "rmsprop", "momentum"], "Tuned beside it.")
    flags.DEFINE_integer("tuning_seeds", 2, "Photographs for each learning rate.", 1)
    flags.DEFINE_integer("seeds", 4, "Photographs reported.", 1)
    flags.DEFINE_integer("steps", 128, "Steps of every run, as in the paper.", 1)
    flags.DEFINE_multi_string("case", [], "Cases to run; default: all.")
    flags.DEFINE_string("beside", None, "results.json of an earlier run, to compare with.")
    flags.DEFINE_string("output_dir", "runs/art-results", "Where results go.")
    flags.DEFINE_string("cache_dir", "runs/art", "Where finished runs are kept.")

# Named as the paper names them: what the optimizer was not meta-trained on. The loss is of means
# over pixels, so that at 128×128 the gradient for each is a quarter; in the last case it is not.
CASES = {
    "new photographs": {"size": 64, "style": "gogh_auvert"},
    "new style": {"size": 64, "style": "kandinky"},
    "higher resolution": {"size": 128, "style": "gogh_auvert"},
    "higher resolution at four times the loss": {
        "size": 128,
        "style": "gogh_auvert",
        "content_weight": 4.0,
        "style_weight": 12.0,
        "smoothness": 4.0,
    },
}
TUNING, REPORTED = 1_000, 2_000
RATES = Grid(0.0316228, 1.0, per_decade=2, extend=4)


@dataclasses.dataclass(frozen=True)
class Curve:
    """One run: losses `[steps + 1]`, and pictures at a quarter of the way and at the end.

    Of a run that is known from records there are no pictures.
    """

    losses: list
    pictures: list


def run(optimizer, task, seed, steps):
    """Optimize one picture with a Keras optimizer."""
    (start,), state = task.init(tasks.as_seed(seed))
    picture = tf.Variable(start)
    optimizer.build([picture])

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss, _, _ = task.loss([picture], state, ())
        gradient = tape.gradient(loss, picture)
        optimizer.scale_loss(loss)
        optimizer.apply([gradient], [picture])
        return loss

    losses, pictures = [], []
    for number in range(steps):
        losses.append(float(step()))
        if number + 1 in (steps // 4, steps):
            pictures.append(task.picture([picture]).numpy())
    losses.append(float(task.loss([tf.convert_to_tensor(picture)], state, ())[0]))
    return Curve(losses, pictures)


def kept(cache, key, make):
    """The `Curve` of a run, made once."""
    path = pathlib.Path(cache) / f"{key}.npz"
    if not path.exists():
        curve = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, losses=curve.losses, pictures=np.stack(curve.pictures))
        partial.rename(path)
    with np.load(path, allow_pickle=False) as file:
        return Curve(file["losses"].tolist(), list(file["pictures"]))


def task_of(case, photographs):
    return tasks.NeuralArt(photographs=photographs, **CASES[case])


def learned_name(preset):
    path = pathlib.Path(preset)
    return path.parent.name if path.name == "preset" else path.name


def runs_of(contender, case, photographs, seeds, rate=None):
    """The runs of one contender on several photographs."""
    task, result = task_of(case, photographs), []
    for seed in seeds:
        key = f"{case}/{contender.name}/{photographs}-{seed}-{rate}-{FLAGS.steps}".replace(" ", "-")

        def make(seed=seed):
            optimizer = contender.make(contenders.Rate(rate or 0.0), FLAGS.steps)
            return run(optimizer, task, seed, FLAGS.steps)

        result.append(kept(FLAGS.cache_dir, key, make))
    return result


def tuned(contender, case):
    """The learning rate of the lowest mean final loss on photographs for validation."""

    def final_loss(rate, seed):
        (curve,) = runs_of(contender, case, "validation", [TUNING + seed], rate)
        return curve.losses[-1] if np.isfinite(curve.losses[-1]) else np.inf

    return search(RATES, final_loss, FLAGS.tuning_seeds).rate


def compare(case):
    """Dict optimizer → `(rate or None, curves)` of one case."""
    seeds = range(REPORTED, REPORTED + FLAGS.seeds)
    learned = contenders.learned(FLAGS.preset, name=learned_name(FLAGS.preset))
    rows = {learned.name: (None, runs_of(learned, case, "test", seeds))}
    if FLAGS.beside:
        return rows | recorded(FLAGS.beside, case) | rows
    for name in FLAGS.baseline:
        baseline = baselines.get(name)
        rate = tuned(baseline, case)
        rows[name] = (rate, runs_of(baseline, case, "test", seeds, rate))
    return rows


def recorded(path, case):
    """The rows of one case of an earlier comparison, of as many steps and photographs.

    Raises:
        ValueError: If there were more or fewer.
    """
    rows, expected = {}, (FLAGS.seeds, FLAGS.steps + 1)
    for name, row in json.loads(pathlib.Path(path).read_text())[case].items():
        shape = np.shape(row["losses"])
        if shape != expected:
            raise ValueError(
                f"Records of {expected[0]} photographs and {FLAGS.steps} steps are compared with. "
                f"Received: {path}, {name}, losses of shape {shape}"
            )
        rows[name] = (row["rate"], [Curve(losses, []) for losses in row["losses"]])
    return rows


def table(case, rows):
    at = sorted({FLAGS.steps // 8, FLAGS.steps // 4, FLAGS.steps // 2, FLAGS.steps})
    lines = [
        f"### {case} (`{task_of(case, 'test')!r}`)\n",
        f"| | learning rate | {' | '.join(f'{n} steps' for n in at)} | least to most at the end |",
        f"|---|---|{'---|' * len(at)}---|",
    ]
    for name, (rate, curves) in rows.items():
        losses = np.array([curve.losses for curve in curves])
        means = " | ".join(f"{losses[:, n].mean():.4f}" for n in at)
        spread = f"{losses[:, -1].min():.4f} … {losses[:, -1].max():.4f}"
        lines.append(f"| {name} | {'–' if rate is None else f'{rate:.3g}'} | {means} | {spread} |")
    return "\n".join(lines) + "\n"


def sheet(case, rows, adam="adam"):
    """Photograph, style, start; then of the learned one and Adam: a quarter, the end."""
    task, lines = task_of(case, "test"), []
    style = task.style_image().round().astype("uint8")
    seen = [name for name in rows if all(curve.pictures for curve in rows[name][1])]
    shown = [name for name in seen if name == adam or rows[name][0] is None]
    for number in range(min(FLAGS.seeds, 4)):
        seed = tasks.as_seed(REPORTED + number)
        content = task.content(seed).numpy().round().astype("uint8")
        start = task.picture(task.init(seed)[0]).numpy()
        pictures = [content, style, start]
        for name in shown:
            pictures += rows[name][1][number].pictures
        lines.append(np.concatenate([np.pad(p, [(1, 1), (1, 1), (0, 0)]) for p in pictures], 1))
    return Image.fromarray(np.concatenate(lines, 0)), shown


def plot(results, path, note):
    figure, axes = plt.subplots(1, len(results), figsize=(5 * len(results), 4), squeeze=False)
    for axis, (case, rows) in zip(axes[0], results.items(), strict=True):
        for name, (rate, curves) in rows.items():
            losses = np.array([curve.losses for curve in curves])
            label = name if rate is None else f"{name} ({rate:.3g})"
            width = 2 if rate is None else 1
            axis.semilogy(losses.mean(axis=0), label=label, linewidth=width)
        axis.set_title(case)
        axis.set_xlabel("steps")
        axis.legend(fontsize=7)
    axes[0][0].set_ylabel("total loss, mean over photographs")
    figure.suptitle(note, fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main(argv):
    del argv
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    beside = f"; beside the records of {FLAGS.beside}" if FLAGS.beside else ""
    note = (
        f"{FLAGS.seeds} photographs, {FLAGS.steps} steps; learning rates tuned in half-decades "
        f"from {RATES.low} to {RATES.high}, further while the best is at an edge, on "
        f"{FLAGS.tuning_seeds} other photographs{beside}; TensorFlow "
        f"{tf.__version__}, Keras {keras.__version__}, {platform.machine()}; "
        f"{datetime.date.today().isoformat()}"
    )
    results, report = {}, [f"{note}\n"]
    for case in FLAGS.case or CASES:
        results[case] = compare(case)
        report.append(table(case, results[case]))
        print(report[-1], flush=True)
        picture, shown = sheet(case, results[case])
        file = f"{case.replace(' ', '-')}.png"
        # A palette: noise does not compress, and the eye does not miss the other colours.
        picture.quantize(256).save(output / file, optimize=True)
        columns = ", then ".join(f"{name}: a quarter, the end" for name in shown)
        report.append(f"![{case}]({file})\n\nPhotograph, style, start, {columns}.\n")
        plot(results, output / "losses.png", note)
        write_whole(output / "report.md", "\n".join(report))
        plain = {
            c: {n: {"rate": r, "losses": [k.losses for k in ks]} for n, (r, ks) in rows.items()}
            for c, rows in results.items()
        }
        write_whole(output / "results.json", json.dumps({"about": note, **plain}) + "\n")


if __name__ == "__main__":
    app.run(main)
