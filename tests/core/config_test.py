"""Objects that their arguments describe."""

import pytest

from l2l_tf import rules
from l2l_tf.core.config import (
    Configured,
    boolean,
    choice,
    instance,
    integer,
    number,
    optional,
    several,
)


class Ball(Configured):
    size: int = integer(5, min=1)
    weight: float | None = optional(number(None, above=0))
    colour: str = choice("red", ("red", "blue"))
    bounces: bool = boolean(True)
    sizes: tuple = several((1,), integer(None, min=1))


class Box(Configured):
    ball: Ball = instance(Ball)
    spare: Ball = instance(Ball, Ball(size=1))


class BlueBall(Ball, colour="blue"):
    price: float = number(1.0, min=0, max=2)


class Wall(Configured):
    def __init__(self, height=2):
        self.height = height


def test_configuration_follows_from_the_fields():
    ball = Ball(size=7, sizes=[2, 3])
    config = {"size": 7, "weight": None, "colour": "red", "bounces": True, "sizes": (2, 3)}
    assert ball.get_config() == config
    assert Ball.from_config(config).get_config() == config
    assert repr(ball) == ("Ball(size=7, weight=None, colour='red', bounces=True, sizes=(2, 3))")


@pytest.mark.parametrize(
    "wrong, received",
    [
        ({"size": 0}, "size=0"),
        ({"weight": 0}, "weight=0"),
        ({"colour": "green"}, "colour='green'"),
        ({"bounces": "no"}, "bounces='no'"),
        ({"sizes": (1, 0)}, "sizes=0"),
        ({"sizes": ()}, r"sizes=\(\)"),
    ],
)
def test_every_field_checks_itself(wrong, received):
    with pytest.raises(ValueError, match=f"Received: {received}$"):
        Ball(**wrong)


def test_class_arguments_are_other_defaults_of_inherited_fields():
    assert BlueBall().get_config() == {**Ball(colour="blue").get_config(), "price": 1.0}
    with pytest.raises(ValueError, match="Received: colour='green'"):
        BlueBall(colour="green")
    with pytest.raises(ValueError, match="≤ 2. Received: price=3"):
        BlueBall(price=3)


def test_a_copy_differs_in_nothing_but_what_was_asked_for():
    ball = Ball()
    copied = ball.copied(size="unchecked", owner="me")
    assert (copied.size, copied.owner, copied.colour) == ("unchecked", "me", "red")
    assert ball.size == 5 and not hasattr(ball, "owner")
    with pytest.raises(AttributeError):
        ball.size = 6


def test_a_class_with_its_own_constructor_stays_as_it_is():
    wall = Wall(3)
    wall.height = 4
    assert wall.get_config() == {"height": 4}


def test_rules_whose_constructor_is_written_out_still_work():
    class Halved(rules.CoordinatewiseRule):
        def __init__(self, rate=0.1):
            self.rate = rate
            self.meta_params = {}

        def slot_shapes(self):
            return {}

    assert repr(Halved(0.2)) == "Halved(rate=0.2)"
    assert Halved().bind({}).for_steps().rate == 0.1


def test_a_field_may_be_an_object_of_a_class():
    assert Box(Ball(2)).spare.size == 1 and Box(BlueBall()).ball.colour == "blue"
    for wrong in (3, None, Ball, {"size": 3}):
        with pytest.raises(ValueError, match="`ball` is a `Ball`. Received: ball="):
            Box(wrong)


def test_an_argument_is_an_object_of_its_class_or_none():
    assert Ball.given("ball", None).size == 5 and Ball.given("ball", Ball(3)).size == 3
    assert Ball.given("ball", Ball(3), weight=2.0).weight == 2.0
    for wrong in ({}, 0, "", Ball):
        with pytest.raises(ValueError, match="`ball` is a `Ball`. Received: ball="):
            Ball.given("ball", wrong)
    with pytest.raises(ValueError, match="Received: size=0"):
        Ball.given("ball", None, size=0)


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "rprop"])
def test_hand_crafted_rules_refuse_a_negative_learning_rate(name):
    with pytest.raises(ValueError, match="Received: learning_rate=-1"):
        rules.get(name, learning_rate=-1)
    assert rules.get(name, learning_rate=0.0).learning_rate == 0.0
