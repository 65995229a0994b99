"""Names with arguments as text."""

import pytest

from l2l_tf.core.spec import parse_spec


@pytest.mark.parametrize(
    "text, name, arguments",
    [
        ("lstm", "lstm", {}),
        (" lstm ( ) ", "lstm", {}),
        ("mlp(hidden=20,activation=relu)", "mlp", {"hidden": 20, "activation": "relu"}),
        (
            "mlp(rate=-0.5,cells=[1,[2,3],last])",
            "mlp",
            {"rate": -0.5, "cells": [1, [2, 3], "last"]},
        ),
        ("around(inner='lstm(size=3)',x=1)", "around", {"inner": "lstm(size=3)", "x": 1}),
        ("around(inner=lstm(size=3),x=1)", "around", {"inner": "lstm(size=3)", "x": 1}),
        ("a(b=c(d=e(f=[1]),g=h))", "a", {"b": "c(d=e(f=[1]), g=h)"}),
    ],
)
def test_a_text_has_a_name_and_arguments(text, name, arguments):
    assert parse_spec(text, "thing") == (name, arguments)
    for value in arguments.values():  # A text within a text is one itself.
        if isinstance(value, str):
            assert parse_spec(value, "thing")[0].isidentifier()


@pytest.mark.parametrize(
    "text, reason",
    [
        ("two words", "A thing is written"),
        ("f(1)", "every argument needs its name"),
        ("f(x=1", "A thing is written"),
        ("f(x=)", r"cannot be read \(invalid syntax\)"),
        ("f(x=y+z)", r"\(y \+ z is no value\)"),
        ("f(x=y.z)", r"\(y\.z is no value\)"),
    ],
)
def test_a_text_that_cannot_be_read_is_an_error_without_places_in_memory(text, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        parse_spec(text, "thing")
    assert str(caught.value).endswith(f"Received: thing={text!r}")
    assert "0x" not in str(caught.value)
