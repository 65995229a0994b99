"""Names of classes."""

import pytest

from l2l_tf.core.config import Configured, integer
from l2l_tf.core.registry import Registry

BALLS = Registry("ball")


@BALLS.register("small")
class Small(Configured):
    size: int = integer(1)


def test_a_name_and_a_text_give_the_object():
    assert BALLS.names() == ["small"] and BALLS.named("small") is Small
    assert BALLS.get("small", size=2).size == BALLS.from_spec("small(size=2)").size == 2


@pytest.mark.parametrize(
    "text, received",
    [
        ("large", "ball='large'"),
        ("small(weight=1)", "weight=1"),
        ("small(size=-1)", "size=-1"),
        ("small(1)", r"ball='small\(1\)'"),
    ],
)
def test_what_is_unknown_is_an_error_that_says_what_was_received(text, received):
    with pytest.raises(ValueError, match=f"Received: {received}$"):
        BALLS.from_spec(text)


@pytest.mark.parametrize("name", [Small, None, "", "two words"])
def test_a_class_is_registered_under_a_name(name):
    with pytest.raises(ValueError, match="under a name, a text such as 'mine'. Received: name="):
        BALLS.register(name)


def test_a_name_belongs_to_one_class():
    with pytest.raises(ValueError, match="ball named 'small' is registered already: Small"):

        @BALLS.register("small")
        class Other(Configured):
            pass
