"""A wrong flag is refused at once."""

import subprocess
import sys

import pytest

from l2l_tf.core import quick_flags
from tools import flag_names


def test_flags_and_their_checks_are_what_the_commands_have():
    assert flag_names.FILE.read_text("utf-8") == flag_names.text(), "python -m tools.flag_names"


@pytest.mark.parametrize(
    "program, original",
    [("/usr/bin/l2l-train", []), ("-m", ["python", "-m", "l2l_tf.cli.train"])],
)
@pytest.mark.parametrize(
    "argument, said",
    [
        ("--meta_step=3", "did you mean --meta_steps? Received: --meta_step=3"),
        ("-xyz", "--help lists them. Received: -xyz"),
    ],
)
def test_an_unknown_flag_ends_a_command(capsys, program, original, argument, said):
    with pytest.raises(SystemExit) as ended:
        quick_flags.refuse_wrong_flags([program, "--resume", argument], original)
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
        (["search", "--draws="], "`draws` is a positive integer. Received: draws=''"),
        (["export", "--kind=tar"], "is one of ['litert', 'savedmodel']. Received: kind='tar'"),
        (["evaluate", "--grid_low=-1"], "`grid_low` is a finite number > 0. Received: grid_low=-1"),
    ],
)
def test_a_value_that_is_not_allowed_ends_a_command(capsys, arguments, said):
    with pytest.raises(SystemExit) as ended:
        quick_flags.refuse_wrong_flags([f"/bin/l2l-{arguments[0]}", *arguments[1:]], [])
    assert ended.value.code == 2
    assert capsys.readouterr().err.strip().endswith(said)


@pytest.mark.parametrize(
    "arguments",
    [
        ["l2l-train", "--resume", "--log_loss=T", "--trajectory=4", "--trajectory", "8"],
        ["l2l-train", "--", "--meta_steps=0"],
        ["l2l-evaluate", "--report_rows=0", "--baselines=", "--jit_compile=false"],
        ["l2l-train", "--meta_steps=3", "--noresume", "--start_from", "-0.5", "-1e-3", "-"],
        ["l2l-train", "--import=mine", "--of_mine=3"],
        ["l2l-train", "--told=0.5"],
        ["l2l-train", "--help", "--anything"],
        ["l2l-other", "--anything"],
        ["train.py", "--anything"],
        ["-m", "--anything"],
        ["-c"],
        [],
    ],
)
def test_all_else_is_left_to_whom_it_is_for(arguments):
    quick_flags.refuse_wrong_flags(arguments, ["python", "-m", "other.module"])


@pytest.mark.parametrize("wrong", ["--bogus", "--meta_steps=0"])
def test_a_command_answers_before_tensorflow_is_imported(wrong):
    code = f"import sys; sys.argv = ['l2l-train', '{wrong}']\ntry:\n    import l2l_tf\n"
    code += (
        "except SystemExit:\n    sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Received: " in done.stderr
