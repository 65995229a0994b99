"""The command `l2l-convert`."""

import pathlib

import numpy as np
import pytest

from l2l_tf import presets
from l2l_tf.cli import convert as command
from l2l_tf.rules.celo.published_weights import rule_from_published_weights

DATA = pathlib.Path(__file__).parents[1] / "data" / "celo"
FILES = {
    "celo": "celo_weights.npz",
    "celo_adam": "celo_adam_weights.npz",
    "celo2": "celo2_golden.npz",
}


@pytest.fixture
def convert(tmp_path):
    def run(source, weights, *flags):
        output = tmp_path / "preset"
        arguments = [f"--source={source}", f"--weights={weights}", f"--output={output}", *flags]
        return command.run(arguments), output

    return run


def arrays_of(source):
    with np.load(DATA / FILES[source], allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("source", sorted(FILES))
def test_published_weights_become_a_preset(source, convert):
    code, output = convert(source, DATA / FILES[source])
    assert code == 0
    rule = presets.load_preset(output)
    expected = rule_from_published_weights(source, arrays_of(source))
    assert rule.registered_name == source and rule.get_config() == expected.get_config()
    for name, value in expected.meta_params.items():
        np.testing.assert_array_equal(rule.meta_params[name], value)


def test_celo2_takes_plain_names_and_goes_without_orthogonalisation(convert, tmp_path):
    plain = {k[8:]: v for k, v in arrays_of("celo2").items() if k.startswith("weights_")}
    np.savez(tmp_path / "plain.npz", **plain)
    code, output = convert("celo2", tmp_path / "plain.npz", "--noorthogonalize")
    assert code == 0
    rule = presets.load_preset(output)
    assert not rule.orthogonalize
    np.testing.assert_array_equal(rule.meta_params["mlp_1_kernel"], plain["ff_mod_stack.~.w1"].T)


def broken(kind, path):
    arrays = arrays_of("celo")
    if kind == "missing array":
        del arrays["rnn_params.linear_2.w"]
    elif kind == "wrong shape":
        arrays["ff_mod_stack.~.w0__3"] = np.zeros((1, 2, 4), "float32")
    elif kind == "not finite":
        arrays["ff_mod_stack.~.b1"] = np.full((1, 4), np.nan, "float32")
    elif kind == "objects":
        arrays["ff_mod_stack.~.b1"] = np.array([{}], dtype=object)
    if kind == "no npz":
        path.write_text("weights")
    elif kind == "truncated":
        path.write_bytes((DATA / FILES["celo"]).read_bytes()[:-1000])
    elif kind != "no file":
        np.savez(path, **arrays)


@pytest.mark.parametrize(
    "kind, message",
    [
        ("missing array", "rnn_params.linear_2.w"),
        ("wrong shape", "(3, 4)"),
        ("not finite", "finite"),
        ("objects", "cannot be read"),
        ("no npz", "an .npz file"),
        ("truncated", "an .npz file"),
        ("no file", "no such file"),
    ],
)
def test_wrong_files_are_refused_and_leave_no_preset(kind, message, convert, tmp_path, capsys):
    broken(kind, tmp_path / "weights.npz")
    code, output = convert("celo", tmp_path / "weights.npz")
    error = capsys.readouterr().err
    assert code == 2 and not output.exists()
    assert error.startswith("l2l-convert:") and message in error and "Received:" in error


def test_weights_of_another_source_are_refused(convert, capsys):
    assert convert("celo", DATA / FILES["celo_adam"])[0] == 2
    assert "ff_mod_stack" in capsys.readouterr().err


def test_what_is_missing_is_told_as_flags(capsys):
    assert command.run(["--source=celo"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.endswith("Received: --source=celo --weights=None --output=None")
