"""Generator and discriminator, each with the same optimizer: who keeps both of them alive.

python -m experiments.adversarial.run

Rows are printed as a table; figures are medians over seeds, with the least and the greatest.
"""

import keras
from absl import app, flags

from experiments.adversarial.nets import GAMES, play
from experiments.tables import markdown, spread_of
from l2l_tf import LearnedOptimizer

OPTIMIZERS = {
    "LearnedOptimizer()": LearnedOptimizer,
    "Adam(1e-3, beta_1=0.5)": lambda: keras.optimizers.Adam(1e-3, beta_1=0.5),
    "Adam(2e-4, beta_1=0.5)": lambda: keras.optimizers.Adam(2e-4, beta_1=0.5),
    "Adam(1e-3)": lambda: keras.optimizers.Adam(1e-3),
}
FLAGS = flags.FLAGS

if __name__ == "__main__":
    flags.DEFINE_integer("steps", 1500, "Updates of each net.", 1)
    flags.DEFINE_integer("seeds", 5, "Runs of each.", 1)


def table(game, steps, seeds):
    """Markdown table of one game: a row for each optimizer, a column for each figure."""
    rows, names = [], []
    for title, make in OPTIMIZERS.items():
        runs = [play(GAMES[game], make, steps, seed) for seed in range(seeds)]
        names = list(runs[0])
        rows.append([title, *(spread_of([run[name] for run in runs]) for name in names)])
    return markdown([game, *names], rows)


def main(argv):
    del argv
    for game in GAMES:
        print(table(game, FLAGS.steps, FLAGS.seeds), flush=True)


if __name__ == "__main__":
    app.run(main)
