"""A learned quasi-Newton method: NTM-L-BFGS from a shipped preset on a quadratic.

The rule's memory spans all variables of the model; it was meta-trained on quadratics
whose Hessian has its largest eigenvalue at 1, so it is used on one of them here.

python examples/learned_quasi_newton.py
"""

import keras
import numpy as np
import tensorflow as tf

from l2l_tf import LearnedOptimizer

generator = np.random.default_rng(0)
rotation, _ = np.linalg.qr(generator.normal(size=(20, 20)))
eigenvalues = 0.01 ** generator.uniform(size=20)
hessian = tf.constant((rotation * eigenvalues) @ rotation.T, "float32")
target = tf.constant(generator.normal(size=20), "float32")


def loss_of(parts):
    difference = tf.concat(parts, axis=0) - target
    return 0.5 * tf.reduce_sum(difference * tf.linalg.matvec(hessian, difference))


def minimise(optimizer, steps=60):
    """Loss after the run; the parameters are two variables, the memory is one."""
    variables = [keras.Variable(np.zeros(12, "float32")), keras.Variable(np.zeros(8, "float32"))]
    optimizer.build(variables)

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            loss = loss_of([v.value for v in variables])
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)

    for _ in range(steps):
        step()
    return float(loss_of([v.value for v in variables]))


start = float(loss_of([tf.zeros(12), tf.zeros(8)]))
learned = minimise(LearnedOptimizer(preset="ntm-lbfgs-quadratic"))
adam = min(minimise(keras.optimizers.Adam(rate)) for rate in (0.01, 0.03, 0.1, 0.3))
print(
    f"loss at the start {start:.3g}, after 60 steps: {learned:.3g}; best of four Adams {adam:.3g}"
)
