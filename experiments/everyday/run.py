"""The default beside Adam(0.001) on nets as tutorials have them: `compile`, `fit`, nothing set.

python -m experiments.everyday.run --output_dir=experiments/everyday/results

Once with the length that `fit` tells, once with an `EarlyStopping` that never stops, for which it
tells none. Finished runs are kept in --pieces.
"""

import functools
import pathlib

import keras
import numpy as np
from absl import app, flags

from experiments.everyday import densities, nets
from experiments.pieces import Pieces, code_of
from experiments.tables import markdown, number
from l2l_tf import LearnedOptimizer
from l2l_tf.core.files import write_whole
from l2l_tf.evaluation.contenders import from_text
from l2l_tf.optimizer import run_length, stopping

FLAGS = flags.FLAGS
NETS = {**nets.NETS, **densities.NETS}
OPTIMIZERS = {
    "Adam(0.001)": lambda: keras.optimizers.Adam(1e-3),
    "default, told": LearnedOptimizer,
    "default, not told": LearnedOptimizer,
}

if __name__ == "__main__":
    flags.DEFINE_list("nets", list(NETS), f"Of {', '.join(NETS)}.")
    flags.DEFINE_integer("seeds", 3, "Runs of each, whose medians are shown.", 1)
    flags.DEFINE_string("pieces", "runs/everyday", "Where finished runs are kept.")
    flags.DEFINE_string("output_dir", "experiments/everyday/results", "Where the table goes.")


def losses(name, optimizer, seed):
    """Dict of the best held-out loss, that at the end, and the last epoch's train loss."""
    net = NETS[name]
    rows = net.rows()
    keras.utils.set_random_seed(seed)
    model = net.build()
    model.compile(OPTIMIZERS[optimizer](), net.loss)
    never = keras.callbacks.EarlyStopping(patience=net.epochs)
    history = model.fit(
        *rows["train"],
        batch_size=net.batch_size,
        epochs=net.epochs,
        verbose=0,
        callbacks=[never] if optimizer.endswith("not told") else [],
        validation_data=rows["test"],
    ).history
    held_out = history["val_loss"]
    return {"best": min(held_out), "end": held_out[-1], "train": history["loss"][-1]}


def row(pieces, name, seeds):
    """Cells of one net: what it is, and three medians of each optimizer."""
    cells = [NETS[name].what]
    for optimizer, make in OPTIMIZERS.items():
        told = (run_length, stopping) if make is LearnedOptimizer else ()
        key = [name, optimizer, code_of(nets, densities, *told)]
        key += [from_text("spectral-general").identity] if told else []
        runs = [
            pieces.value(
                f"everyday-{name}", [*key, seed], functools.partial(losses, name, optimizer, seed)
            )
            for seed in range(seeds)
        ]
        medians = [np.median([run[figure] for run in runs]) for figure in ("best", "end", "train")]
        cells.append(" / ".join(map(number, medians)))
    return cells


def main(argv):
    del argv
    pieces, found = Pieces(FLAGS.pieces), []
    output = pathlib.Path(FLAGS.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    for name in FLAGS.nets:
        found.append(row(pieces, name, FLAGS.seeds))
        print(" | ".join(found[-1]), flush=True)
        text = (
            "# Nets as tutorials have them\n\nBest held-out loss / held-out loss at the end / "
            f"train loss of the last epoch; medians over {FLAGS.seeds} seed(s).\n\n"
        )
        write_whole(output / "everyday.md", text + markdown(["net", *OPTIMIZERS], found))


if __name__ == "__main__":
    app.run(main)
