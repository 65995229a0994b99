"""Flags follow from the fields of a configured class."""

import pytest
from absl import flags

from l2l_tf import evaluation
from l2l_tf.cli import config_flags
from l2l_tf.cli.command_line import CommandError, parse
from l2l_tf.core.config import (
    among,
    boolean,
    choice,
    from_flags,
    given_fields,
    integer,
    number,
    other_than,
    setting,
    several,
)
from l2l_tf.meta.estimators import Estimator
from l2l_tf.meta.settings import Settings


class Own(Estimator):
    """An estimator of a user's own: one class."""

    boldness: float = number(0.5, above=0, help="How bold it is.")


def parsed(*arguments):
    values = flags.FlagValues()
    config_flags.define(values, Settings)
    config_flags.define(values, Own, boldness=0.25)
    config_flags.define(values, evaluation.Grid)
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
        (Own, {"boldness": -1}),
        (Settings, {"meta_steps": 0.5}),
        (Settings, {"meta_steps": float("inf")}),
        (Settings, {"clip_norm": float("nan")}),
        (Settings, {"jit_compile": "often"}),
        (Settings, {"validation_trajectory": "long"}),
    ],
)
def test_what_is_out_of_range_is_the_same_error_from_python_and_from_a_command(cls, wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError) as from_python:
        cls(**wrong)
    with pytest.raises(CommandError) as from_command:
        parsed(f"--{name}={value}")
    assert str(from_python.value) == str(from_command.value)


def test_a_field_may_have_another_flag_and_only_what_was_given_counts():
    values = parsed("--grid_low=1e-3", "--grid_extend=0")
    assert given_fields(evaluation.Grid, values) == {"low": 1e-3, "extend": 0}
    grid = from_flags(evaluation.Grid, values)
    assert (grid.low, grid.high, grid.extend) == (1e-3, 1.0, 0)
    with pytest.raises(CommandError, match="`grid_low` is .* > 0. Received: grid_low=0"):
        parsed("--grid_low=0")


@pytest.fixture
def dependent():
    values = flags.FlagValues()
    config_flags.define_flags(
        values,
        kind=choice("a", ("a", "b"), help="Kind."),
        quick=boolean(False, help="Quick."),
        depth=integer(8, min=1, help="Depth.", when={"kind": among("b"), "quick": bool}),
        loud=boolean(False, help="Loud.", when={"kind": other_than("a")}),
        names=several((), setting(None, help="Names.", when={"quick": bool})),
    )
    return values


@pytest.mark.parametrize(
    "given, said",
    [
        (["--depth=3"], "--depth has no effect with --kind=a. Received: --depth=3"),
        (["--depth=3", "--kind=b"], "--depth has no effect without --quick. Received: --depth=3"),
        (["--depth=8", "--quick"], "--depth has no effect with --kind=a. Received: --depth=8"),
        (["--noloud"], "--loud has no effect with --kind=a. Received: --noloud"),
        (
            ["--names=a", "--names=b"],
            "--names has no effect without --quick. Received: --names=a --names=b",
        ),
        (["--depth=3", "--kind=b", "--quick", "--loud", "--names=a"], None),
        (["--kind=b"], None),
    ],
)
def test_a_flag_that_was_given_and_has_no_effect_is_refused(dependent, given, said):
    parse("command", dependent, [])
    if said is None:
        parse("command", dependent, given)
        return
    with pytest.raises(CommandError) as refused:
        parse("command", dependent, given)
    assert str(refused.value) == said


def test_flags_of_a_command_alone_are_fields_too():
    values = flags.FlagValues()
    config_flags.define_flags(
        values,
        draws=integer(8, min=1, help="Draws."),
        rate=number(None, above=0, help="Rate."),
        kind=choice("a", ("a", "b"), help="Kind."),
        quick=boolean(False, help="Quick."),
    )
    parse("command", values, ["--draws=3", "--rate=2", "--quick"])
    assert (values.draws, values.rate, values.kind, values.quick) == (3, 2.0, "a", True)
    parse("command", values, ["--noquick"])
    assert values.rate is None and values.quick is False
    for wrong in ("--draws=0", "--rate=none", "--kind=c", "--quick=maybe"):
        with pytest.raises(CommandError, match=f"Received: {wrong[2:].partition('=')[0]}="):
            parse("command", values, [wrong])
