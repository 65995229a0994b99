"""A photograph painted in a painting's style, by the paper's LSTM and by Adam.

Prints losses along the way, draws neural_art.png: the photograph, the painting, and what each
optimizer has painted. Needs `python -m tools.offline_data photographs paintings vgg16`.

python examples/neural_art.py
"""

import keras
import tensorflow as tf
from matplotlib import pyplot

from l2l_tf import LearnedOptimizer, tasks

STEPS = 128
task = tasks.NeuralArt(size=64, photographs="test")
seed = tasks.as_seed(3)
(start,), target = task.init(seed)


def painted(optimizer):
    """The picture after `STEPS` steps, and the losses along the way."""
    picture, losses = tf.Variable(start), []
    optimizer.build([picture])

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss = task.loss([picture], target, ())[0]
        optimizer.scale_loss(loss)
        optimizer.apply(tape.gradient([loss], [picture]), [picture])
        return loss

    losses = [float(step()) for _ in range(STEPS)]
    return task.picture([picture]).numpy(), [*losses, float(task.loss([picture], target, ())[0])]


optimizers = {
    "lstm-neural-art, the paper's LSTM": LearnedOptimizer(preset="lstm-neural-art"),
    "Adam(0.1)": keras.optimizers.Adam(0.1),
    "Adam(0.03)": keras.optimizers.Adam(0.03),
}
pictures = {
    "photograph": task.content(seed).numpy().astype("uint8"),
    "painting": task.style_image().numpy().astype("uint8"),
}
losses = {}
for name, optimizer in optimizers.items():
    pictures[name], along = painted(optimizer)
    losses[name] = along[-1]
    at = ", ".join(f"{along[n]:.3f} after {n}" for n in (32, 64, STEPS))
    print(f"{name:35} loss {at} steps")

figure, axes = pyplot.subplots(1, len(pictures), figsize=(13, 3), layout="constrained")
for axis, (name, picture) in zip(axes, pictures.items(), strict=True):
    axis.imshow(picture)
    axis.set_title(name.replace(", ", ",\n"), fontsize=9)
    axis.set_axis_off()
figure.savefig("neural_art.png", dpi=110)
