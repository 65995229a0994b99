"""What the cards of shipped presets say can be done today: their commands are parsed, not run."""

import copy
import json
import pathlib
import re
import shlex

import pytest

from l2l_tf import presets, rules, tasks
from l2l_tf.cli import command_line, train
from l2l_tf.core.config import from_flags
from l2l_tf.meta import Settings
from l2l_tf.meta.estimators import ESTIMATORS
from tools import card_figures, cards

NAMES = presets.list_presets()
ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = ["python", "-m", "l2l_tf.cli.train"]


@pytest.fixture
def options():
    """The flags of `l2l-train`, of this test's own."""
    return copy.deepcopy(train.FLAGS)


def commands(name):
    found = re.findall(r"^- Command: `(.*)`$", presets.load_card(name), re.MULTILINE)
    assert found, name
    return [shlex.split(command) for command in found]


@pytest.mark.parametrize("name", NAMES)
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


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_of_a_card_is_one_of_today(name):
    found = re.findall(r"^- Rule: `(.*)`$", presets.load_card(name), re.MULTILINE)
    known = {cls.__name__: cls for cls in rules.registry.RULES.classes.values()}
    assert found
    for text in found:
        assert isinstance(eval(text, {}, known), rules.UpdateRule)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_card_has_the_names_of_today(name):
    assert cards.renewed(presets.load_card(name)) == presets.load_card(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_of_a_shipped_card_are_those_of_the_records(name):
    card, found = presets.load_card(name), presets.summarize(name)
    assert card_figures.with_figures(name, card) == card
    row = json.loads(card_figures.STEPS.read_text())["presets"][name]["jit"]
    assert found.ns_per_weight == pytest.approx(row["ns_per_weight"], rel=0.005)
    assert found.times_adam == pytest.approx(row["times_adam"], rel=0.005)
    assert row["times_adam"] == pytest.approx(row["ns_per_weight"] / row["adam_ns_per_weight"])
    assert 0 < found.loss_times_adam


def test_a_step_was_measured_on_as_many_weights_as_the_table_says():
    rows = json.loads(card_figures.STEPS.read_text())["presets"]
    fewer = {name: row["weights"] for name, row in rows.items() if row["weights"] != 100_000}
    assert fewer == {"ntm-bfgs-quadratic": 1024}


@pytest.mark.parametrize(
    "name, times",
    [("lstm-quadratic", 0.44), ("lstm-digits", 0.30), ("lstm-mnist", 0.82), ("lstm-cifar10", 0.86)],
)
def test_a_card_says_what_the_readme_and_the_paper_page_say(name, times):
    # 0.137 and 0.312, 0.0151 and 0.0509, 0.284 and 0.348, 1.17 and 1.39.
    assert presets.summarize(name).loss_times_adam == pytest.approx(times, abs=0.006)


def test_figures_stand_once_in_the_list_that_a_card_begins_with():
    card = "# A\n\n- Seed: 0\n- Written: now\n\nText\n\n## Before\n\n- Written: then\n"
    once = card_figures.with_figures("lstm-digits", card)
    assert once == card_figures.with_figures("lstm-digits", once)
    lines = once.splitlines()
    assert [line.partition(":")[0] for line in lines[3:6]] == [
        "- Written",
        "- Cost",
        "- Beside tuned Adam",
    ]
    assert lines[6:] == card.splitlines()[4:]


def test_commands_on_cards_are_those_that_docs_and_reports_give():
    pages = [
        ROOT / "README.md",
        *ROOT.glob("docs/*.md"),
        ROOT / "experiments/paper/results/report.md",
    ]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    for name in NAMES:
        command = re.search(r": `([^`]*)`$", card_figures.beside_adam(name))[1]
        assert command in text, name
