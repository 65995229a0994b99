"""Help is given and a wrong flag is refused at once."""

import subprocess
import sys

import pytest

from l2l_tf.core.quick_answers import answer_at_once
from l2l_tf.core.startup import start
from l2l_tf.meta.estimators import ESTIMATORS
from l2l_tf.presets import registry as presets_registry
from l2l_tf.rules.registry import RULES
from l2l_tf.tasks.registry import TASKS
from tools import flag_names


def test_flags_and_their_checks_are_what_the_commands_have():
    assert flag_names.FILE.read_text("utf-8") == flag_names.text(), "python -m tools.flag_names"


@pytest.fixture
def shipped(monkeypatch):
    """Nothing is registered but what the package has: other tests register parts of their own."""
    for registry in (RULES, TASKS, ESTIMATORS):
        own = {n: c for n, c in registry.classes.items() if c.__module__.startswith("l2l_tf.")}
        monkeypatch.setattr(registry, "classes", own)
    monkeypatch.setattr(presets_registry, "_REGISTERED", {})


@pytest.mark.usefixtures("shipped")
def test_helps_are_what_the_commands_say():
    written = flag_names.HELP_FILE.read_text("utf-8")
    assert written == flag_names.help_text(), "python -m tools.flag_names"


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("flag", ["--help", "-h", "--helpfull", "--helpshort"])
def test_help_is_given_at_once_and_needs_nothing_else(capsys, flag):
    with pytest.raises(SystemExit) as ended:
        answer_at_once("train", ["--meta_steps=3", flag])
    assert ended.value.code == 0
    assert capsys.readouterr().out == flag_names.help_of("train")


@pytest.mark.parametrize(
    "argument, said",
    [
        ("--meta_step=3", "did you mean --meta_steps? Received: --meta_step=3"),
        ("-xyz", "--help lists them. Received: -xyz"),
    ],
)
def test_an_unknown_flag_ends_a_command(capsys, argument, said):
    with pytest.raises(SystemExit) as ended:
        answer_at_once("train", ["--resume", argument])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"l2l-train: Unknown flag; {said}\n"


@pytest.mark.parametrize(
    "arguments, said",
    [
        (
            ["train", "--meta_steps=0.5"],
            "is a positive integer. Received: meta_steps=0.5",
        ),
        (["train", "--sigma", "0"], "`sigma` is a finite number > 0. Received: sigma=0"),
        (["train", "--resume=often"], "`resume` is True or False. Received: resume='often'"),
        (["train", "--told=0.5"], "--told is --known_horizon now. Received: --told=0.5"),
        (["evaluate", "--notold"], "--notold is --known_horizon now. Received: --notold"),
        (
            ["evaluate", "--meta_batch=3"],
            "Unknown flag; --help lists them. Received: --meta_batch=3",
        ),
        (["search", "--draws="], "`draws` is a positive integer. Received: draws=''"),
        (
            ["train", "--nolog_loss=3"],
            "--nolog_loss takes no value; --log_loss takes true or false. Received: --nolog_loss=3",
        ),
        (["train", "--helpxml"], "--help lists them. Received: --helpxml"),
        (["export", "--kind=tar"], "is one of ['litert', 'savedmodel']. Received: kind='tar'"),
        (["evaluate", "--grid_low=-1"], "`grid_low` is a finite number > 0. Received: grid_low=-1"),
    ],
)
def test_a_value_that_is_not_allowed_ends_a_command(capsys, arguments, said):
    with pytest.raises(SystemExit) as ended:
        answer_at_once(arguments[0], arguments[1:])
    assert ended.value.code == 2
    assert capsys.readouterr().err.strip().endswith(said)


@pytest.mark.parametrize(
    "command, arguments",
    [
        ("train", ["--resume", "--log_loss=T", "--trajectory=4", "--trajectory", "8"]),
        ("train", ["--", "--meta_steps=0"]),
        ("evaluate", ["--report_rows=0", "--baselines=", "--jit_compile=false"]),
        ("train", ["--meta_steps=3", "--noresume", "--start_from", "-0.5", "-1e-3", "-"]),
        ("train", ["--import=mine", "--of_mine=3"]),
        ("train", ["--import=mine", "--help"]),
        ("train", ["--flagfile=of_mine", "--anything"]),
    ],
)
def test_all_else_is_left_to_the_command(command, arguments):
    answer_at_once(command, arguments)


@pytest.mark.parametrize(
    "arguments", [["train.py", "--anything"], ["-m", "--anything"], ["-c"], []]
)
def test_what_is_no_command_is_left_alone(arguments):
    start(arguments, ["python", "-m", "other.module"])


@pytest.mark.parametrize("wrong", ["--bogus", "--meta_steps=0", "--nolog_loss=3"])
def test_a_command_answers_before_tensorflow_is_imported(wrong):
    code = f"import sys; sys.argv = ['l2l-train', '{wrong}']\ntry:\n    import l2l_tf\n"
    code += (
        "except SystemExit:\n    sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Received: " in done.stderr
