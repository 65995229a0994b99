"""A wrong flag is refused at once."""

import subprocess
import sys

import pytest

from l2l_tf.core import quick_flags
from tools import flag_names


def test_names_of_flags_are_what_the_commands_have():
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
        quick_flags.refuse_unknown_flags([program, "--resume", argument], original)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"l2l-train: Unknown flag; {said}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["l2l-train", "--meta_steps=3", "--noresume", "--sigma", "-0.5", "-1e-3", "-"],
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
    quick_flags.refuse_unknown_flags(arguments, ["python", "-m", "other.module"])


def test_a_command_answers_before_tensorflow_is_imported():
    code = "import sys; sys.argv = ['l2l-train', '--bogus']\ntry:\n    import l2l_tf\n"
    code += (
        "except SystemExit:\n    sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Received: --bogus" in done.stderr
