"""A transformer that writes Shakespeare, character by character, beside AdamW.

Prints losses in nats per character and a sample of text, draws character_transformer.png. Needs the
text: `python -m tools.offline_data tiny_shakespeare`.

python examples/character_transformer.py
"""

import keras
import numpy as np
from keras import layers, ops
from matplotlib import pyplot

from l2l_tf import LearnedOptimizer, data

CONTEXT, WIDTH, BATCH, STEPS = 32, 64, 32, 300

text = data.load_text("tiny_shakespeare", "train")[:200_000]
alphabet = sorted(set(text))
codes = np.array([alphabet.index(letter) for letter in text])
starts = np.random.default_rng(0).integers(0, len(codes) - CONTEXT - 1, BATCH * STEPS)
windows = codes[starts[:, None] + np.arange(CONTEXT + 1)]
x, y = windows[:, :-1], windows[:, 1:]


def build():
    keras.utils.set_random_seed(0)
    letters = layers.Input((CONTEXT,), dtype="int32")
    places = layers.Embedding(CONTEXT, WIDTH)(ops.arange(CONTEXT))
    hidden = layers.Embedding(len(alphabet), WIDTH)(letters) + places
    for _ in range(2):
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


def written(model, letters=200):
    """Text that a model goes on with, the likeliest letters drawn by their odds."""
    generator, so_far = np.random.default_rng(0), list(codes[:CONTEXT])
    for _ in range(letters):
        logits = ops.convert_to_numpy(model(np.array([so_far[-CONTEXT:]])))[0, -1]
        so_far.append(int(np.argmax(logits / 0.7 + generator.gumbel(size=len(logits)))))
    return "".join(alphabet[code] for code in so_far[CONTEXT:])


optimizers = {
    "LearnedOptimizer()": LearnedOptimizer(),
    "AdamW(1e-3)": keras.optimizers.AdamW(1e-3),
    "AdamW(3e-3)": keras.optimizers.AdamW(3e-3),
}
figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
losses, models = {}, {}
for name, optimizer in optimizers.items():
    models[name], along = build(), Losses()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    models[name].compile(optimizer, loss)
    models[name].fit(x, y, BATCH, 1, shuffle=False, callbacks=[along], verbose=0)
    losses[name] = float(np.mean(along.values[-STEPS // 10 :]))
    print(f"{name:20} loss over the last tenth of {STEPS} steps: {losses[name]:.3f}")
    smooth = np.convolve(along.values, np.ones(10) / 10, "valid")
    axes.plot(smooth, label=name, lw=3 if "Learned" in name else 1.2)
axes.set(xlabel="steps", ylabel="nats per character (mean of 10 steps)")
axes.legend()
figure.savefig("character_transformer.png", dpi=120)
print("\nWhat the first one writes:\n" + written(models["LearnedOptimizer()"]))
