"""What the cards of shipped presets say can be done today: their commands are parsed, not run."""

import copy
import re
import shlex

import pytest

from l2l_tf import presets, rules, tasks
from l2l_tf.cli import command_line, train
from l2l_tf.core.config import from_flags
from l2l_tf.meta import Settings
from l2l_tf.meta.estimators import ESTIMATORS
from tools import cards

PROGRAM = ["python", "-m", "l2l_tf.cli.train"]


@pytest.fixture
def options():
    """The flags of `l2l-train`, of this test's own."""
    return copy.deepcopy(train.FLAGS)


def commands(name):
    found = re.findall(r"^- Command: `(.*)`$", presets.load_card(name), re.MULTILINE)
    assert found, name
    return [shlex.split(command) for command in found]


@pytest.mark.parametrize("name", presets.list_presets())
def test_every_command_of_a_card_is_one_that_l2l_train_takes(name, options):
    for command in commands(name):
        assert command[:3] == PROGRAM
        assert command_line.parse("l2l-train", options, command[3:]) == ["l2l-train"]
        for task in [*options.task, *(options.validation_task or [])]:
            assert isinstance(tasks.get(task), tasks.Task)
        if options.rule:
            assert presets.resolve(options.rule, untrained=True).rule.meta_params
        estimator = from_flags(ESTIMATORS.named(options.estimator), options)
        settings = from_flags(Settings, options)
        assert all(length % estimator.unroll == 0 for length in settings.trajectories)


@pytest.mark.parametrize("name", presets.list_presets())
def test_every_rule_of_a_card_is_one_of_today(name):
    found = re.findall(r"^- Rule: `(.*)`$", presets.load_card(name), re.MULTILINE)
    known = {cls.__name__: cls for cls in rules.registry.RULES.classes.values()}
    assert found
    for text in found:
        assert isinstance(eval(text, {}, known), rules.UpdateRule)


@pytest.mark.parametrize("name", presets.list_presets())
def test_a_shipped_card_has_the_names_of_today(name):
    assert cards.renewed(presets.load_card(name)) == presets.load_card(name)
