"""A transformer that writes Shakespeare, character by character, beside AdamW with cosine decay.

Prints losses in nats per character and a sample of text, draws character_transformer.png. Takes
some minutes. Needs the text: `tfds.load("tiny_shakespeare")` where there is a network,
`python -m tools.offline_data tiny_shakespeare` where there is none.

python examples/character_transformer.py
"""

import time

import keras
import numpy as np
from keras import layers, ops
from matplotlib import pyplot

from l2l_tf import LearnedOptimizer, data

CONTEXT = 64
WIDTH = 128
LAYERS = 2
BATCH = 32
STEPS = 1_000

text, held_out = (data.load_text("tiny_shakespeare", s) for s in ("train", "validation"))
alphabet = sorted(set(text + held_out))


def windows(text, rows, seed):
    """`rows` parts of a text, and the letter that follows each of their letters."""
    codes = np.array([alphabet.index(letter) for letter in text])
    starts = np.random.default_rng(seed).integers(0, len(codes) - CONTEXT - 1, rows)
    drawn = codes[starts[:, None] + np.arange(CONTEXT + 1)]
    return drawn[:, :-1], drawn[:, 1:]


def build():
    keras.utils.set_random_seed(0)
    letters = layers.Input((CONTEXT,), dtype="int32")
    # Made of the input: what a layer makes of a constant is one, too, and is not trained.
    places = ops.zeros_like(letters) + ops.arange(CONTEXT)
    hidden = layers.Embedding(len(alphabet), WIDTH)(letters)
    hidden = hidden + layers.Embedding(CONTEXT, WIDTH)(places)
    for _ in range(LAYERS):
        seen = layers.LayerNormalization()(hidden)
        attention = layers.MultiHeadAttention(4, WIDTH // 4)
        hidden = hidden + attention(seen, seen, use_causal_mask=True)
        seen = layers.LayerNormalization()(hidden)
        hidden = hidden + layers.Dense(WIDTH)(layers.Dense(4 * WIDTH, "gelu")(seen))
    return keras.Model(letters, layers.Dense(len(alphabet))(layers.LayerNormalization()(hidden)))


class Losses(keras.callbacks.Callback):
    """The loss after every step; Keras logs the mean since the epoch's beginning."""

    def on_train_begin(self, logs=None):
        self.means, self.values = [0.0], []

    def on_train_batch_end(self, batch, logs=None):
        self.means.append((batch + 1) * logs["loss"])
        self.values.append(self.means[-1] - self.means[-2])


def written(model, letters=300):
    """Text that a model goes on with, each letter drawn by its odds."""
    generator, so_far = np.random.default_rng(0), windows(held_out, 1, 0)[0][0].tolist()
    for _ in range(letters):
        logits = ops.convert_to_numpy(model(np.array([so_far[-CONTEXT:]])))[0, -1]
        so_far.append(int(np.argmax(logits / 0.7 + generator.gumbel(size=len(logits)))))
    return "".join(alphabet[code] for code in so_far[CONTEXT:])


def adamw(rate):
    return keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(rate, STEPS))


x, y = windows(text, BATCH * STEPS, 0)
unseen = windows(held_out, 1_000, 1)
optimizers = {
    "LearnedOptimizer()": LearnedOptimizer(),
    "AdamW(1e-3, cosine decay)": adamw(1e-3),
    "AdamW(3e-3, cosine decay)": adamw(3e-3),
}
print(f"{build().count_params():,} weights, {STEPS:,} steps of {BATCH}×{CONTEXT} letters")
figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
losses, models = {}, {}
for name, optimizer in optimizers.items():
    models[name], along, started = build(), Losses(), time.perf_counter()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    models[name].compile(optimizer, loss)
    models[name].fit(x, y, BATCH, 1, shuffle=False, callbacks=[along], verbose=0)
    seconds = time.perf_counter() - started
    losses[name] = models[name].evaluate(*unseen, batch_size=100, verbose=0)
    last = float(np.mean(along.values[-(STEPS // 10) :]))
    print(
        f"{name:26} loss over the last tenth of the steps {last:.3f}, held out "
        f"{losses[name]:.3f}, {seconds:.0f} s",
        flush=True,
    )
    smooth = np.convolve(along.values, np.ones(20) / 20, "valid")
    label = f"{name}: held out {losses[name]:.3f}"
    axes.plot(np.arange(len(smooth)) + 20, smooth, label=label, lw=2 if "Learned" in name else 1)
axes.set(xlabel="steps", ylabel="nats per character (mean of 20 steps)")
axes.legend()
figure.savefig("character_transformer.png", dpi=120)
print("\nWhat the first one writes:\n" + written(models["LearnedOptimizer()"]))
