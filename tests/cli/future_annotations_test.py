"""Fields whose annotations are texts are flags all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from absl import flags

from l2l_tf.cli import config_flags
from l2l_tf.cli.command_line import parse
from l2l_tf.core.config import Configured, from_flags, setting, several
from l2l_tf.meta.estimators import TruncatedBPTT
from l2l_tf.meta.estimators.imitation import Imitation

if TYPE_CHECKING:
    from somewhere import Colour


class Ball(Configured):
    weight: float = setting(0.5, help="How heavy it is.")
    price: int | None = setting(None, help="What it costs.")
    name: str = setting("ball", help="What it is called.")
    new: bool = setting(True, help="Whether it is new.")
    sizes: tuple[int, ...] = several((1,), setting(None, help="Its sizes."))
    colour: Colour = setting("red")


class HeavyBall(Ball, weight=8):
    pass


class Bold(Imitation, unroll=7):
    boldness: float = setting(0.5, help="How bold it is.")


def parsed(cls, *arguments):
    values = flags.FlagValues()
    config_flags.define(values, cls)
    parse("command", values, list(arguments))
    return from_flags(cls, values)


@pytest.mark.parametrize("cls", [Ball, HeavyBall])
def test_a_flag_has_the_type_of_its_field(cls):
    given = ("--weight=2", "--price=3", "--name=4", "--nonew", "--sizes=5", "--sizes=6")
    ball = parsed(cls, *given)
    assert ball.get_config() == {
        "weight": 2.0,
        "price": 3,
        "name": "4",
        "new": False,
        "sizes": (5, 6),
        "colour": "red",
    }
    assert isinstance(ball.weight, float) and parsed(HeavyBall).weight == 8


def test_an_estimator_of_a_module_with_such_annotations_is_made_of_flags():
    bold = parsed(Bold, "--boldness=2", "--teacher=adam", "--log_loss")
    assert (bold.boldness, bold.teacher, bold.log_loss, bold.unroll) == (2.0, "adam", True, 7)
    assert parsed(TruncatedBPTT).unroll == 20
