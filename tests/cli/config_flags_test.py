"""Flags follow from the fields of a configured class."""

import pytest
from absl import flags

from l2l_tf.cli import config_flags
from l2l_tf.cli.command_line import CommandError, parse
from l2l_tf.core.config import from_flags, number
from l2l_tf.meta.estimators import Estimator
from l2l_tf.meta.settings import Settings


class Own(Estimator):
    """An estimator of a user's own: one class."""

    boldness: float = number(0.5, above=0, help="How bold it is.")


def parsed(*arguments):
    values = flags.FlagValues()
    config_flags.define(values, Settings)
    config_flags.define(values, Own, boldness=0.25)
    parse("command", values, list(arguments))
    return values


def test_a_class_is_made_of_its_flags():
    values = parsed("--boldness=2", "--num_tasks=3", "--log_loss", "--trajectory=4")
    own = from_flags(Own, values)
    assert (own.boldness, own.num_tasks, own.log_loss, own.unroll) == (2.0, 3, True, 20)
    assert from_flags(Settings, values).trajectories == (4,)
    assert from_flags(Own, parsed()).boldness == 0.25


@pytest.mark.parametrize(
    "cls, wrong",
    [
        (Settings, {"trajectory_sampling": "uniform"}),
        (Settings, {"meta_steps": 0}),
        (Settings, {"clip_norm": 0.0}),
        (Own, {"loss_weights": "best"}),
        (Own, {"boldness": -1.0}),
    ],
)
def test_what_is_out_of_range_is_the_same_error_from_python_and_from_a_command(cls, wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError) as from_python:
        cls(**wrong)
    with pytest.raises(CommandError) as from_command:
        parsed(f"--{name}={value}")
    assert str(from_python.value) == str(from_command.value)
