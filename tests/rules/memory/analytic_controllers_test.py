"""What averages and a memory suffice for: clipping and quasi-Newton methods, exactly."""

import keras
import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from l2l_tf import LearnedOptimizer, rules


class Quadratic:
    """½ (x − b)ᵀA(x − b), eigenvalues log-uniform in 1/κ … 1."""

    def __init__(self, seed, count=12, condition=100.0):
        generator = np.random.default_rng(seed)
        rotation, _ = np.linalg.qr(generator.normal(size=(count, count)))
        eigenvalues = condition ** -generator.uniform(size=count)
        self.matrix = (rotation * eigenvalues) @ rotation.T
        self.target = generator.normal(size=count)
        self.start = generator.normal(size=count)

    def value(self, x):
        return 0.5 * (x - self.target) @ self.matrix @ (x - self.target)

    def gradient(self, x):
        return self.matrix @ (x - self.target)


class Rosenbrock:
    def __init__(self, count=2):
        self.start = np.tile([-1.2, 1.0], count // 2)
        self.value, self.gradient = scipy.optimize.rosen, scipy.optimize.rosen_der


PROBLEMS = {
    "quadratic-0": lambda: Quadratic(0),
    "quadratic-1": lambda: Quadratic(1, count=20, condition=1e4),
    "rosenbrock-2": lambda: Rosenbrock(2),
    "rosenbrock-4": lambda: Rosenbrock(4),
}


def small(gradient, first):
    return np.linalg.norm(gradient) <= 1e-8 * np.linalg.norm(first)


def numpy_bfgs(problem, steps=50):
    """Iterates of BFGS from the identity, and its step lengths rounded to float32."""
    x, h = problem.start, np.eye(len(problem.start))
    g = first = problem.gradient(x)
    iterates, lengths = [x], []
    while len(lengths) < steps and not small(g, first):
        d = -h @ g
        length = scipy.optimize.line_search(problem.value, problem.gradient, x, d, gfk=g)[0]
        if length is None:
            break
        length = np.float64(np.float32(length))
        s = length * d
        x = x + s
        y, g = problem.gradient(x) - g, problem.gradient(x)
        if s @ y > 0:
            identity, rho = np.eye(len(x)), 1 / (s @ y)
            left = identity - rho * np.outer(s, y)
            h = left @ h @ left.T + rho * np.outer(s, s)
        iterates.append(x)
        lengths.append(length)
    return iterates, lengths


def analytic(cls=rules.NTMBFGS, controller="bfgs", **arguments):
    return cls(controller=controller, read="same_step", **arguments)


class Bare:
    """A rule without an optimizer: directions at the points it is shown, in float64."""

    def __init__(self, rule, start):
        self.rule, self.state, self.step = rule, rule.init([start]), 0

    def direction(self, x, gradient):
        context = rules.Context(self.step)
        (update,), self.state = self.rule.update([gradient], self.state, [x], context)
        self.step += 1
        return np.asarray(update)


def follow(rule, problem, lengths):
    bare, x, iterates = Bare(rule, problem.start), problem.start, [problem.start]
    for length in lengths:
        x = x + length * bare.direction(x, problem.gradient(x))
        iterates.append(x)
    return iterates


def assert_same_path(received, expected, tolerance):
    assert len(received) == len(expected) > 3
    for r, e in zip(received, expected, strict=True):
        assert np.linalg.norm(r - e) <= tolerance * np.linalg.norm(e)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.quick("quadratic-0", "rosenbrock-2")
def test_through_learned_optimizer_the_memory_reproduces_bfgs(name):
    problem = PROBLEMS[name]()
    expected, lengths = numpy_bfgs(problem)
    cut = len(problem.start) // 2
    variables = [
        keras.Variable(problem.start[:cut], dtype="float64"),
        keras.Variable(problem.start[cut:][None], dtype="float64"),
    ]
    optimizer = LearnedOptimizer(rule=analytic())
    received = [problem.start]
    for length in lengths:
        optimizer.learning_rate.assign(length)
        g = problem.gradient(received[-1])
        optimizer.apply([tf.constant(g[:cut]), tf.constant(g[cut:][None])], variables)
        received.append(np.concatenate([v.numpy().ravel() for v in variables]))
    assert_same_path(received, expected, 1e-6)
    last = problem.gradient(received[-1])
    assert len(lengths) == 50 or small(last, problem.gradient(problem.start))


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.quick("quadratic-0", "rosenbrock-2")
def test_the_bare_cell_reproduces_the_iterates_of_scipy(name):
    problem = PROBLEMS[name]()
    expected = [problem.start]
    size = np.linalg.norm(problem.gradient(problem.start))
    scipy.optimize.minimize(
        problem.value,
        problem.start,
        jac=problem.gradient,
        method="BFGS",
        callback=lambda x: expected.append(x.copy()),
        options={"gtol": 1e-8 * size, "norm": 2, "maxiter": 50},
    )
    bare, received = Bare(analytic(), problem.start), [problem.start]
    for target in expected[1:]:
        x = received[-1]
        d = bare.direction(x, problem.gradient(x))
        received.append(x + (target - x) @ d / (d @ d) * d)
    assert_same_path(received, expected, 1e-6)
    last = problem.gradient(expected[-1])
    assert len(expected) == 51 or small(last, problem.gradient(problem.start))


def test_with_exact_line_search_the_matrix_becomes_the_inverse_hessian_in_n_steps():
    problem = Quadratic(2, count=6)
    bare, x = Bare(analytic(), problem.start), problem.start
    for _ in range(7):
        g = problem.gradient(x)
        d = bare.direction(x, g)
        x = x - (g @ d) / (d @ problem.matrix @ d) * d
    h = np.eye(6) + np.asarray(bare.state.shared["memory"])
    np.testing.assert_allclose(h @ problem.matrix, np.eye(6), atol=1e-8)


@pytest.mark.parametrize("name", ["quadratic-0", "quadratic-1"])
@pytest.mark.parametrize("read_heads", [1, 2])
@pytest.mark.quick("1-quadratic-0")
def test_a_window_of_all_steps_takes_the_path_of_the_matrix(name, read_heads):
    problem = PROBLEMS[name]()
    lengths = numpy_bfgs(problem, 20)[1]
    dense = follow(analytic(read_heads=read_heads), problem, lengths)
    window = analytic(rules.NTMLBFGS, window=20, read_heads=read_heads)
    assert_same_path(follow(window, problem, lengths), dense, 1e-12)


@pytest.mark.parametrize("name", ["rosenbrock-2", "rosenbrock-4"])
def test_a_window_of_all_steps_equals_the_matrix_at_every_point_of_a_path(name):
    # Followed by each on its own, Rosenbrock's path would magnify rounding errors.
    problem = PROBLEMS[name]()
    path = numpy_bfgs(problem, 20)[0]
    dense = Bare(analytic(), problem.start)
    window = Bare(analytic(rules.NTMLBFGS, window=len(path)), problem.start)
    for x in path:
        expected = dense.direction(x, problem.gradient(x))
        received = window.direction(x, problem.gradient(x))
        assert np.linalg.norm(received - expected) <= 1e-12 * np.linalg.norm(expected)


def windowed(problem, lengths, steps, read_heads):
    """BFGS's writes of the last `steps` steps only, written plainly."""
    count = len(problem.start)
    x, iterates, pairs, last = problem.start, [problem.start], [], None
    for length in lengths:
        g = problem.gradient(x)
        m = np.eye(count) + sum(np.outer(a, b) for step in pairs[-steps:] for a, b in step)
        response, written = m @ g, []
        if last is not None:
            s, y = x - last[0], g - last[1]
            hy = m @ y if read_heads == 2 else m @ g - last[2]
            sy, yhy = s @ y, y @ hy
            if sy > 0:
                written = [((1 + yhy / sy) * s / sy, s), (-hy / sy, s), (-s / sy, hy)]
            response = response + sum(a * (b @ g) for a, b in written)
        last = (x, g, response)
        pairs.append(written)
        x = x - length * response
        iterates.append(x)
    return iterates


@pytest.mark.parametrize("read_heads", [1, 2])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.quick("3-2")
def test_a_small_window_is_the_last_k_steps_outer_products(steps, read_heads):
    problem, lengths = Quadratic(3), [0.5] * 12
    rule = analytic(rules.NTMLBFGS, window=steps, read_heads=read_heads)
    received = follow(rule, problem, lengths)
    assert_same_path(received, windowed(problem, lengths, steps, read_heads), 1e-12)


def two_loop(problem, lengths, pairs):
    """L-BFGS by Nocedal's two-loop recursion from the identity."""
    x, g, kept, iterates = problem.start, problem.gradient(problem.start), [], [problem.start]
    for length in lengths:
        q, alphas = g.copy(), []
        for s, y in reversed(kept):
            alphas.append(s @ q / (s @ y))
            q -= alphas[-1] * y
        for (s, y), alpha in zip(kept, reversed(alphas), strict=True):
            q += s * (alpha - y @ q / (s @ y))
        s = -length * q
        x, old = x + s, g
        g = problem.gradient(x)
        kept = [*kept, (s, g - old)][-pairs:]
        iterates.append(x)
    return iterates


def test_a_window_of_all_steps_is_the_two_loop_recursion_with_all_pairs():
    problem = Quadratic(4)
    lengths = numpy_bfgs(problem, 15)[1]
    received = follow(analytic(rules.NTMLBFGS, window=15), problem, lengths)
    assert_same_path(received, two_loop(problem, lengths, 15), 1e-10)


def test_a_window_of_one_holds_the_two_loop_recursion_with_one_pair():
    problem, lengths = Quadratic(5), [0.9] * 15
    rule = analytic(rules.NTMLBFGS, "memoryless_bfgs", window=1)
    expected = two_loop(problem, lengths, 1)
    assert_same_path(follow(rule, problem, lengths), expected, 1e-12)
    bare = Bare(rule, problem.start)
    for x in expected[:-1]:
        d = bare.direction(x, problem.gradient(x))
    memory = {k: v for k, v in bare.state.shared.items() if k != "started"}
    read = rule.memory.read(memory, problem.gradient(expected[-2])[None], 1.0)
    np.testing.assert_allclose(-np.asarray(read)[0], d, rtol=1e-10)


@pytest.mark.parametrize("bound", [0.01, 1e3])
def test_averaging_cells_express_l2_clipping(bound):
    rule = rules.GACLSTM(controller="l2_clipping", output_scale=bound)
    generator = np.random.default_rng(0)
    values = [np.ones((3, 2)), np.ones(4)]
    ours = [keras.Variable(v, dtype="float64") for v in values]
    theirs = [keras.Variable(v, dtype="float64") for v in values]
    optimizer = LearnedOptimizer(rule=rule)
    reference = keras.optimizers.SGD(1.0, global_clipnorm=bound)
    for _ in range(3):
        gradients = [tf.constant(generator.normal(size=v.shape)) for v in values]
        optimizer.apply(gradients, ours)
        reference.apply(gradients, theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


def test_l2_clipping_of_a_zero_gradient_does_nothing():
    rule = rules.GACLSTM(controller="l2_clipping")
    (update,), _ = rule.update([np.zeros(3)], rule.init([np.zeros(3)]), [np.zeros(3)], None)
    np.testing.assert_array_equal(update, np.zeros(3))


@pytest.mark.parametrize("cls", [rules.NTMBFGS, rules.NTMLBFGS])
def test_permuting_coordinates_permutes_the_iterates(cls):
    problem, lengths = Quadratic(6), [0.5] * 8
    plain = follow(analytic(cls), problem, lengths)
    order = np.random.default_rng(0).permutation(len(problem.start))
    problem.matrix = problem.matrix[np.ix_(order, order)]
    problem.target, problem.start = problem.target[order], problem.start[order]
    permuted = follow(analytic(cls), problem, lengths)
    assert_same_path(permuted, [x[order] for x in plain], 1e-10)


def test_analytic_controllers_refuse_what_they_cannot_use():
    with pytest.raises(ValueError, match="this step's read.*Received:"):
        rules.NTMBFGS(controller="bfgs", read="previous")
    with pytest.raises(ValueError, match="three write heads.*Received: write_heads=2"):
        analytic(write_heads=2)
    with pytest.raises(ValueError, match="Received: controller='newton'"):
        analytic(controller="newton")
    for cls in (rules.NTMBFGS, rules.NTMLBFGS):
        for read in ("previous", "same_step"):
            match = "no heads for a memory.*Received: controller='l2_clipping'"
            with pytest.raises(ValueError, match=match):
                cls(controller="l2_clipping", read=read)
    assert not analytic().meta_params
