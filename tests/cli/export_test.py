"""`l2l-export` as its users meet it."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.small_models import RULES, X, Y, make_model

from l2l_tf import LearnedOptimizer, presets, rules
from l2l_tf.cli import export


def test_a_preset_becomes_a_step(preset_directory, tmp_path, capsys):
    output = tmp_path / "step"
    arguments = [f"--preset={preset_directory}", f"--output_dir={output}", "--learning_rate=0.5"]
    assert export.run(arguments) == 0
    assert str(output) in capsys.readouterr().out
    step = tf.saved_model.load(output)
    params = tf.ones(3)
    updates, _ = step.update(params, step.init(params), params, np.nan, np.nan)
    rule = presets.load_preset(preset_directory)
    expected, _ = rule.update([params], rule.init([params]), [params], rules.Context())
    np.testing.assert_allclose(updates, 0.5 * expected[0], rtol=1e-5)


@pytest.mark.slow
def test_shapes_are_those_of_the_flag(preset_directory, tmp_path):
    output = tmp_path / "step"
    arguments = [f"--preset={preset_directory}", f"--output_dir={output}", "--shapes=3x2;4;scalar"]
    assert export.run(arguments) == 0
    step = tf.saved_model.load(output)
    params = [tf.ones((3, 2)), tf.ones(4), tf.ones(())]
    updates, _ = step.update(params, step.init(params), params, np.nan, np.nan)
    assert [tuple(u.shape) for u in updates] == [(3, 2), (4,), ()]


@pytest.mark.parametrize("rule", ["sgd", "lstm"])
def test_a_saved_model_becomes_one_that_trains(rule, tmp_path):
    model = make_model(optimizer=LearnedOptimizer(rule=RULES[rule]()))
    model.save(tmp_path / "model.keras")
    output = tmp_path / "training"
    assert export.run([f"--model={tmp_path / 'model.keras'}", f"--output_dir={output}"]) == 0
    loaded = tf.saved_model.load(output)
    assert np.isfinite(float(loaded.train_step(X, Y)["loss"]))


def test_what_the_default_needs_is_said(tmp_path, capsys):
    assert export.run([f"--output_dir={tmp_path / 'new'}"]) == 2
    error = capsys.readouterr().err
    assert "--shapes='64x10;10'" in error and "--model=model.keras" in error
    assert error.endswith("Received: --shapes=None with the default, --preset=spectral-general\n")
    assert not (tmp_path / "new").exists()
    assert export.run(["--shapes=3x2;2", f"--output_dir={tmp_path / 'new'}"]) == 0


def test_a_saved_model_becomes_a_file_for_a_device(tmp_path, capsys):
    make_model(optimizer=LearnedOptimizer(rule="sgd")).save(tmp_path / "model.keras")
    arguments = [f"--model={tmp_path / 'model.keras'}", "--kind=litert", "--batch_size=8"]
    assert export.run([*arguments, f"--output_dir={tmp_path / 'device'}"]) == 0
    assert "train, infer, save, restore" in capsys.readouterr().out
    assert (tmp_path / "device" / "training.tflite").read_bytes()[4:8] == b"TFL3"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["litert", "savedmodel", "shapes", "vector"])
def test_an_export_says_where_it_is_and_nothing_else(kind, preset_directory, tmp_path):
    arguments = {
        "litert": [f"--model={tmp_path / 'model.keras'}", "--kind=litert"],
        "savedmodel": [f"--model={tmp_path / 'model.keras'}"],
        "shapes": ["--shapes=3x2;4"],
        "vector": [f"--preset={preset_directory}"],
    }[kind]
    layers = [keras.layers.Input((8,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(LearnedOptimizer(), loss, metrics=["accuracy"])
    model.save(tmp_path / "model.keras")
    command = [sys.executable, "-m", "l2l_tf.cli.export", *arguments]
    command.append(f"--output_dir={tmp_path / 'there'}")
    kept = {name: v for name, v in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(command, capture_output=True, text=True, env=kept)
    assert done.returncode == 0 and str(tmp_path / "there") in done.stdout
    assert done.stderr == "" and len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--output_dir={new}", "--preset=nothing"],
        ["--output_dir={new}", "--preset={new}/nothing"],
        ["--output_dir={new}", "--shapes=3,4"],
        ["--output_dir={new}", "--model=a.keras", "--shapes=3"],
        ["--output_dir={new}", "--model=a.keras"],
        ["--output_dir={new}", "--model={full}/file"],
        ["--output_dir={full}", "--preset={preset}"],
        ["--output_dir={new}", "--kind=litert"],
        ["--output_dir={new}", "--kind=litert", "--preset={preset}"],
        ["--output_dir={new}", "--model=a.keras", "--batch_size=8"],
        ["--output_dir={full}", "--model=a.keras", "--kind=litert"],
    ],
)
def test_mistakes_are_answered_in_one_line(arguments, preset_directory, tmp_path, capsys):
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").write_text("kept")
    places = {"new": tmp_path / "new", "full": full, "preset": preset_directory}
    assert export.run([a.format(**places) for a in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("l2l-export: ") and "Received:" in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "new").exists()
