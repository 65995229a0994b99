"""A photograph painted in a painting's style, by the paper's LSTM and by Adam.

Prints losses along the way, draws neural_art.png: the photograph, the painting, what each optimizer
has painted, and the losses. Needs `python -m tools.offline_data photographs paintings vgg16`.

python examples/neural_art.py
"""

import keras
import numpy as np
import tensorflow as tf
from matplotlib import pyplot

from l2l_tf import LearnedOptimizer, tasks

STEPS = 128
SIZE = 64
task = tasks.NeuralArt(size=SIZE, photographs="test")
seed = tasks.as_seed(3)
(start,), target = task.init(seed)


def painted(optimizer):
    """The picture after `STEPS` steps, and the losses along the way."""
    picture = tf.Variable(start)
    optimizer.build([picture])

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss = task.loss([picture], target, ())[0]
        optimizer.scale_loss(loss)
        optimizer.apply(tape.gradient([loss], [picture]), [picture])
        return loss

    along = [float(step()) for _ in range(STEPS)]
    return task.picture([picture]).numpy(), [*along, float(task.loss([picture], target, ())[0])]


optimizers = {
    "lstm-neural-art, the paper's LSTM": LearnedOptimizer(preset="lstm-neural-art"),
    "Adam(0.1)": keras.optimizers.Adam(0.1),
    "Adam(0.03)": keras.optimizers.Adam(0.03),
}
pictures = {
    "photograph": np.asarray(task.content(seed)).astype("uint8"),
    "painting": np.asarray(task.style_image()).astype("uint8"),
}
losses = {}
for name, optimizer in optimizers.items():
    pictures[name], losses[name] = painted(optimizer)
    at = ", ".join(f"{losses[name][n]:.3f} after {n}" for n in (STEPS // 4, STEPS // 2, STEPS))
    print(f"{name:35} loss {at} steps", flush=True)

figure, axes = pyplot.subplots(2, 3, figsize=(10, 7), layout="constrained")
for axis, (name, picture) in zip(axes.flat, pictures.items(), strict=False):
    axis.imshow(picture)
    axis.set_title(name, fontsize=10)
    axis.set_axis_off()
for name, along in losses.items():
    axes.flat[-1].plot(along, label=name, lw=2 if "lstm" in name else 1)
axes.flat[-1].set(yscale="log", xlabel="steps", ylabel="loss")
axes.flat[-1].legend(fontsize=8)
figure.savefig("neural_art.png", dpi=110)
