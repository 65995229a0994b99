"""The same typo is the same error, from Python and from the command line."""

import pytest

import l2l_tf
from l2l_tf import evaluation, presets, rules, tasks
from l2l_tf.cli import evaluate, export, train
from l2l_tf.cli import presets as presets_command
from l2l_tf.core.quick_answers import answer_at_once
from l2l_tf.evaluation import suite
from l2l_tf.meta.estimators import ESTIMATORS, PersistentEvolutionStrategies
from l2l_tf.meta.settings import Settings

RULE = "Unknown rule or preset; did you mean 'rnnprop'? Received: {}='rnprop'"
ARGUMENT = "Unknown argument of 'lstm'; did you mean `hidden_size`? Received: hiden_size=3"
PRESET = "Unknown preset; did you mean 'lstm-digits'? Received: preset='lstm-digit'"
TASK = "Unknown task; did you mean 'quadratic'? Received: task='quadratc'"
ESTIMATOR = "Unknown estimator; did you mean 'reinforce'? Received: estimator='renforce'"
BASELINE = "Unknown baseline; did you mean 'adamw'? Received: baseline='adaamw'"
SUITE = "Unknown task of this half; did you mean '{}'? Received: task='{}'"


def said_by(command, capsys, tmp_path, *arguments):
    assert command.run([*arguments, f"--output_dir={tmp_path / 'new'}"]) == 2
    return capsys.readouterr().err.strip().partition(": ")[2]


@pytest.mark.parametrize(
    "make, command, arguments, text",
    [
        (
            lambda: l2l_tf.LearnedOptimizer(rule="rnprop"),
            export,
            ["--rule=rnprop"],
            RULE.format("rule"),
        ),
        (
            lambda: presets.resolve("rnprop", "start_from"),
            train,
            ["--task=quadratic", "--start_from=rnprop"],
            RULE.format("start_from"),
        ),
        (
            lambda: rules.LSTM(hiden_size=3),
            train,
            ["--task=quadratic", "--rule=lstm(hiden_size=3)"],
            ARGUMENT,
        ),
        (
            lambda: presets.load_preset("lstm-digit"),
            export,
            ["--preset=lstm-digit"],
            PRESET,
        ),
        (lambda: tasks.get("quadratc"), train, ["--task=quadratc"], TASK),
        (
            lambda: ESTIMATORS.named("renforce"),
            train,
            ["--task=quadratic", "--estimator=renforce"],
            ESTIMATOR,
        ),
        (
            lambda: evaluation.baselines.get("adaamw"),
            evaluate,
            ["--task=quadratic", "--baselines=adaamw"],
            BASELINE,
        ),
    ],
)
def test_a_typo_reads_the_same(make, command, arguments, text, capsys, tmp_path):
    with pytest.raises(ValueError) as raised:
        make()
    assert str(raised.value) == text == said_by(command, capsys, tmp_path, *arguments)


def test_a_task_of_a_suite_is_named_likewise(capsys, tmp_path):
    name = suite.entries("development", (), "general")[0].name
    with pytest.raises(ValueError) as raised:
        suite.entries("development", [f"{name}x"], "general")
    assert str(raised.value) == SUITE.format(name, f"{name}x")


def test_what_is_near_to_no_name_is_answered_with_all(capsys):
    assert presets_command.run(["--card=xyz"]) == 2
    error = capsys.readouterr().err
    assert "Unknown preset; known ones are [" in error and error.endswith("preset='xyz'\n")


@pytest.mark.parametrize("switch", ["--meta_step=3", "--nolog_los", "--sigm=2", "--bogus"])
def test_a_flag_is_answered_alike_before_tensorflow_and_after(switch, capsys):
    with pytest.raises(SystemExit):
        answer_at_once("train", [switch])
    at_once = capsys.readouterr().err
    assert train.run([switch]) == 2
    assert capsys.readouterr().err == at_once and "Unknown flag; " in at_once


@pytest.mark.parametrize(
    "make, text",
    [
        (
            lambda: Settings(meta_step=3),
            "Unknown argument of 'Settings'; did you mean `meta_steps`? Received: meta_step=3",
        ),
        (
            lambda: Settings().replaced(meta_step=3),
            "Unknown argument of 'Settings'; did you mean `meta_steps`? Received: meta_step=3",
        ),
        (
            lambda: PersistentEvolutionStrategies(tasks=3),
            "`tasks` of 'pes' is `num_tasks` now. Received: tasks=3",
        ),
        (
            lambda: rules.Rprop(smallest_step=1),
            "`smallest_step` of 'rprop' is `min_step` now. Received: smallest_step=1",
        ),
    ],
)
def test_an_argument_that_there_is_not_is_an_error_of_both_kinds(make, text):
    for kind in (TypeError, ValueError):
        with pytest.raises(kind) as raised:
            make()
        assert str(raised.value) == text
