"""Checks of arguments."""

import pytest

from l2l_tf.core.checks import check_integer, check_number


def test_integers_are_whole_and_large_enough():
    check_integer("layers", 0, min=0)
    for value in (0, -1, 1.0, True, "1", None):
        with pytest.raises(ValueError, match=f"positive integer. Received: layers={value!r}"):
            check_integer("layers", value, min=1)


def test_numbers_are_finite_and_within_bounds():
    check_number("beta", 0, min=0, below=1)
    for value in (1, -0.1, float("nan"), "0.5", None, True):
        with pytest.raises(ValueError, match=f"≥ 0 and < 1. Received: beta={value!r}"):
            check_number("beta", value, min=0, below=1)
    with pytest.raises(ValueError, match="a finite number. Received: rate=inf"):
        check_number("rate", float("inf"))
