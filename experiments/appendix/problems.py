"""The problems of the comparison, as tasks and as NumPy functions for SciPy.

Seconds are of CPU time, which other processes on the machine do not lengthen.
"""

import time

import numpy as np
import scipy.optimize
import tensorflow as tf

from l2l_tf import tasks
from l2l_tf.meta.validation import validation_losses

PROBLEMS = [
    *(
        f"conditioned_quadratic(dimension={dimension},condition={condition})"
        for dimension in (10, 100)
        for condition in (1.0, 100.0, 10000.0)
    ),
    "logistic_regression",
]


def losses_of(rule, problem, seed, count, steps):
    """Losses `[steps + 1, count]` of fresh instances under a rule, the first ones before it."""
    task = tasks.get(problem)
    seed = tasks.as_seed(seed)
    run = tf.function(lambda: validation_losses(rule, task, seed, count, steps), autograph=False)
    first = [f(x) for x, f, _ in instances(problem, seed, count)]
    return np.concatenate([[first], run().numpy()], axis=0)


def seconds_per_step(rule, problem, steps=100, repeats=20):
    """Least CPU time of a step of one instance, over runs after the first."""
    task = tasks.get(problem)
    run = tf.function(lambda seed: validation_losses(rule, task, seed, 1, steps), autograph=False)
    run(tasks.as_seed(0))
    times = []
    for _ in range(repeats):
        started = time.process_time()
        run(tasks.as_seed(0)).numpy()
        times.append((time.process_time() - started) / steps)
    return min(times)


def instances(problem, seed, count):
    """The same instances in float64: list of `(start, loss, gradient)`."""
    task = tasks.get(problem)
    params, state = task.init_tasks(tasks.fold_in(seed, 0), count)
    result = []
    for i in range(count):
        if isinstance(task, tasks.ConditionedQuadratic):
            root, target = (s[i].numpy().astype("float64") for s in state)
            functions = _quadratic(root, target)
        else:
            rows, labels = (t.numpy().astype("float64") for t in task.full_batch("train"))
            functions = _logistic(rows, labels, task.l2)
        start = np.concatenate([p[i].numpy().ravel() for p in params]).astype("float64")
        result.append((start, *functions))
    return result


def _quadratic(root, target):
    def loss(x):
        return 0.5 * np.sum((root @ (x - target)) ** 2)

    def gradient(x):
        return root.T @ (root @ (x - target))

    return loss, gradient


def _logistic(rows, labels, l2):
    signs = 2 * labels - 1
    rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    penalised = np.append(np.ones(rows.shape[1] - 1), 0.0)

    def loss(w):
        entropy = np.logaddexp(0.0, -signs * (rows @ w)).mean()
        return entropy + 0.5 * l2 * np.sum(penalised * w**2)

    def gradient(w):
        weights = -signs / (1 + np.exp(signs * (rows @ w)))
        return rows.T @ weights / len(rows) + l2 * penalised * w

    return loss, gradient


def minimum(problem):
    """The lowest loss: 0 for quadratics, else found by SciPy to its last digits."""
    if problem.startswith("conditioned"):
        return 0.0
    ((start, loss, gradient),) = instances(problem, tasks.as_seed(0), 1)
    options = {"gtol": 1e-12, "maxiter": 5000}
    return scipy.optimize.minimize(loss, start, jac=gradient, method="BFGS", options=options).fun


def with_line_search(method, problem, seed, count, steps, repeats=3):
    """SciPy's BFGS or L-BFGS-B on the same instances.

    Returns:
        `(losses, gradient evaluations, seconds)`, `[steps + 1, count]` each, the last two so
        far; a run that ends early keeps its last values. Seconds are the lowest of the repeats.
    """
    options = {"maxiter": steps, "gtol": 1e-14}
    if method == "L-BFGS-B":
        options.update(ftol=0.0, maxcor=20, maxfun=100 * steps)
    losses, evaluations, seconds = [], [], []
    for start, loss, gradient in instances(problem, tasks.as_seed(seed), count):
        runs = [_searched(method, start, loss, gradient, options) for _ in range(repeats)]
        path, used, _ = runs[0]
        least = np.min([taken for *_, taken in runs], axis=0)
        missing = [(0, steps + 1 - len(path))]
        losses.append(np.pad([loss(x) for x in path], missing, mode="edge"))
        evaluations.append(np.pad(used, missing, mode="edge"))
        seconds.append(np.pad(least, missing, mode="edge"))
    return tuple(np.stack(values, axis=1) for values in (losses, evaluations, seconds))


def _searched(method, start, loss, gradient, options):
    """One run: its points, gradient evaluations and seconds so far, the start first."""
    path, used, taken, calls = [start], [0], [0.0], [0]

    def counted(x):
        calls[0] += 1
        return gradient(x)

    def record(x):
        taken.append(time.process_time() - started)
        path.append(x.copy())
        used.append(calls[0])

    started = time.process_time()
    scipy.optimize.minimize(
        loss, start, jac=counted, method=method, callback=record, options=options
    )
    return path, used, taken
