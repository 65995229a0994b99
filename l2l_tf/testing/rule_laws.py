"""Laws of update rules, each a function of one rule that raises `AssertionError`."""

import inspect

import keras
import numpy as np

from l2l_tf import rules
from l2l_tf.rules import Context
from l2l_tf.testing.laws import require, require_close, require_same_arguments

MAGNITUDES = (1e-30, 1e-10, 1.0, 1e10, 1e30)


def steps(rule, gradients, variables):
    """Apply a rule once per list of gradients.

    Args:
        rule: `UpdateRule`.
        gradients: List over steps of lists of arrays, one for each variable.
        variables: List of arrays.

    Returns:
        List over steps of the variables after each.
    """
    state, trajectory = rule.init(variables), []
    for iteration, gradient in enumerate(gradients):
        updates, state = rule.update(gradient, state, variables, Context(iteration=iteration))
        variables = [v + np.asarray(u) for v, u in zip(variables, updates, strict=True)]
        trajectory.append(variables)
    return trajectory


def random_gradients(seed, shapes, count):
    """`count` lists of standard normal float32 arrays of these shapes."""
    generator = np.random.default_rng(seed)
    return [
        [generator.normal(size=shape).astype("float32") for shape in shapes] for _ in range(count)
    ]


def permuting_coordinates_permutes_updates(rule, seed=0):
    """A vector's entries have no order."""
    gradients = random_gradients(seed, [(12,)], 5)
    order = np.random.default_rng(seed).permutation(12)
    start = np.linspace(-1, 1, 12).astype("float32")
    plain = steps(rule, gradients, [start])[-1][0]
    permuted = steps(rule, [[g[0][order]] for g in gradients], [start[order]])[-1][0]
    require_close(permuted, plain[order], rtol=1e-5, atol=1e-7)


def splitting_a_variable_changes_nothing(rule):
    """A coordinatewise rule does not see which variable an entry belongs to."""
    if not rule.coordinatewise:
        return
    gradients = random_gradients(1, [(12,)], 5)
    start = np.linspace(-1, 1, 12).astype("float32")
    whole = steps(rule, gradients, [start])[-1][0]
    cut = [[g[0][:5], g[0][5:].reshape(7, 1)] for g in gradients]
    parts = steps(rule, cut, [start[:5], start[5:].reshape(7, 1)])[-1]
    require_close(np.concatenate([p.ravel() for p in parts]), whole, rtol=1e-5)


def finite_gradients_keep_everything_finite(rule, magnitudes=MAGNITUDES):
    """No finite gradient, however small or large, makes an update or the state NaN or Inf."""
    for magnitude in magnitudes:
        variables = [np.zeros((4,), "float32"), np.ones((2, 2), "float32")]
        state = rule.init(variables)
        gradient = (magnitude * np.array([1, -1, 0.5, 0])).astype("float32")
        for iteration in range(10):
            updates, state = rule.update(
                [gradient, gradient.reshape(2, 2)], state, variables, Context(iteration)
            )
            tensors = [*updates, *keras.tree.flatten(state)]
            finite = all(np.isfinite(np.asarray(t)).all() for t in tensors)
            require(finite, f"NaN or Inf at gradients of size {magnitude}, step {iteration}.")


def the_configuration_comes_back(rule):
    """A registered rule is made again from its name and configuration."""
    again = rules.deserialize(rules.serialize(rule))
    require_same_arguments(again, rule)
    require_close(again.initial_meta_params(), rule.initial_meta_params())


def state_is_at_least_as_precise_as_its_variable(rule):
    """float64 variables get float64 state and updates, float16 ones float32."""
    variables = [np.zeros((3,), "float64"), np.zeros((2,), "float32"), np.zeros((2,), "float16")]
    gradients = [np.ones_like(v) for v in variables]
    updates, state = rule.update(gradients, rule.init(variables), variables, Context())
    received = [keras.backend.standardize_dtype(u.dtype) for u in updates]
    if rule.coordinatewise:
        require(received == ["float64", "float32", "float32"], f"Updates are {received}.")
    else:  # A rule over all variables may compute in the widest dtype among them.
        wide = received[0] == "float64" and set(received[1:]) <= {"float32", "float64"}
        require(wide, f"Updates are {received}.")
    for slots, expected in zip(state.variables, ["float64", "float32", "float32"], strict=True):
        found = {keras.backend.standardize_dtype(t.dtype) for t in keras.tree.flatten(slots)}
        require(found <= {expected}, f"State is {found} where {expected} is expected.")


def state_keeps_its_structure(rule):
    """An update changes no shape and no dtype of the state, in bfloat16 neither."""
    variables = [np.float32(0.5), np.ones((3, 1), "float32"), np.ones((2, 1, 2, 3), "float32")]
    before = rule.init(variables, state_dtype="bfloat16")
    updates, after = rule.update(variables, before, variables, Context(0, 1.0, 10.0))
    shapes = [tuple(u.shape) for u in updates]
    require(shapes == [(), (3, 1), (2, 1, 2, 3)], f"Updates have the shapes {shapes}.")
    require(
        _described(after) == _described(before),
        f"State changes its structure: {_described(after)} after {_described(before)}.",
    )


def _described(state):
    return keras.tree.map_structure(
        lambda t: f"{keras.backend.standardize_dtype(t.dtype)} {tuple(t.shape)}", state
    )


def the_seed_decides_untrained_meta_parameters(rule):
    """Meta-parameters are float32; one seed gives the same, another others if there is a `seed`."""
    if not rule.meta_params:
        return
    first, again, other = (rule.initial_meta_params(seed) for seed in (1, 1, 2))
    dtypes = {str(np.asarray(v).dtype) for v in first.values()}
    require(dtypes == {"float32"}, f"Meta-parameters are {dtypes}.")
    require_close(again, first)
    if not _declares_a_seed(rule):
        return
    differs = any(not np.array_equal(first[name], other[name]) for name in first)
    require(differs, "Two seeds give the same meta-parameters.")


def _declares_a_seed(rule):
    """Whether a rule, or one within it that its weights come from, has an argument `seed`."""
    inner = [value for value in vars(rule).values() if isinstance(value, rules.UpdateRule)]
    if inner:
        return any(_declares_a_seed(part) for part in inner)
    return "seed" in inspect.signature(type(rule)).parameters


def what_never_had_a_gradient_stays(rule):
    """A weight is not moved before its gradient was other than zero, by a decay neither."""
    for moved, reached in zip(*moved_and_reached(rule), strict=True):
        stray = np.count_nonzero(moved & ~reached)
        require(not stray, f"{stray} weights moved that never had a gradient.")


def moved_and_reached(rule):
    """Which weights move in six steps, and which have a gradient: masks and frozen rows.

    Returns:
        Two lists of arrays of bool, one for each variable.
    """
    generator = np.random.default_rng(0)
    shapes = [(6, 4), (5,), (3, 3, 2, 4), (4, 6), ()]
    reached = [generator.uniform(size=shape) < 0.5 for shape in shapes]
    reached[0][2], reached[0][:, 1], reached[3][:2] = False, False, True
    variables = [generator.normal(size=shape).astype("float32") for shape in shapes]
    state, moved = rule.init(variables), [np.zeros(shape, bool) for shape in shapes]
    for iteration in range(6):
        gradients = [
            np.where(mask, generator.normal(size=mask.shape), 0.0).astype("float32")
            for mask in reached
        ]
        context = Context(iteration, 1.0 / (iteration + 1), 20.0)
        updates, state = rule.update(gradients, state, variables, context)
        variables = [v + np.asarray(u) for v, u in zip(variables, updates, strict=True)]
        moved = [m | (np.asarray(u) != 0) for m, u in zip(moved, updates, strict=True)]
    return moved, reached
