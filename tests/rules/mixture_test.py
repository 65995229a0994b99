"""The mixture's evaluation: many variables at once, or each alone."""

import numpy as np
import pytest

from l2l_tf import rules
from l2l_tf.cells import segments

SHAPES = [(7, 5), (5,), (), (3, 3, 2, 4), (300,), (16, 8), (1,)]


def trained_for(steps, rule, seed=0):
    """Variables and state after some steps on gradients of several sizes."""
    generator = np.random.default_rng(seed)
    variables = [generator.normal(size=s).astype("float32") for s in SHAPES]
    state = rule.init(variables)
    for step in range(steps):
        gradients = [
            10.0 ** (index - 3) * generator.normal(size=s).astype("float32")
            for index, s in enumerate(SHAPES)
        ]
        context = rules.Context(step, 1.0 / (step + 1), 50.0)
        updates, state = rule.update(gradients, state, variables, context)
        variables = [v + np.asarray(u) for v, u in zip(variables, updates, strict=True)]
    return variables, state


@pytest.fixture
def rule():
    """A mixture whose controls differ between variables."""
    generator = np.random.default_rng(1)
    rule = rules.get("mixture")
    return rule.bind(
        {
            name: (value + 0.3 * generator.normal(size=value.shape)).astype("float32")
            for name, value in rule.meta_params.items()
        }
    )


def test_joining_variables_changes_nothing(rule, monkeypatch):
    joined, joined_state = trained_for(6, rule)
    monkeypatch.setattr(segments, "JOINED_COORDINATES", 0)
    apart, apart_state = trained_for(6, rule)
    for a, b in zip(joined, apart, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    for a, b in zip(joined_state.variables, apart_state.variables, strict=True):
        for name in a:
            np.testing.assert_allclose(a[name], b[name], rtol=2e-5, atol=1e-6, err_msg=name)


def test_large_variables_stay_alone_and_small_ones_are_joined():
    shapes = [(512, 256), (256,), (1024, 1024), (3, 3, 8, 8), ()]
    assert segments.segment_groups(shapes) == [[1, 3, 4], [0], [2]]


def test_segments_average_and_spread_over_their_own_coordinates_alone():
    shapes = [(200,), (3, 5), ()]
    layout = segments.Segments(shapes)
    tensors = [np.full(s, float(i + 1), "float32") for i, s in enumerate(shapes)]
    joined = layout.join(tensors, "float32")
    np.testing.assert_allclose(layout.means([joined, 2 * joined]), [[1, 2, 3], [2, 4, 6]])
    (spread,) = layout.spread(np.array([[10.0, 20.0, 30.0]], "float32"))
    for index, (part, shape) in enumerate(zip(layout.split(joined * spread), shapes, strict=True)):
        assert tuple(part.shape) == shape
        np.testing.assert_allclose(part, np.full(shape, 10.0 * (index + 1) ** 2))
