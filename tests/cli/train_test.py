"""`l2l-train` as its users meet it."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from l2l_tf import presets, rules
from l2l_tf.cli import train
from l2l_tf.meta import checkpoint
from l2l_tf.meta import run as meta_run

SMALL = (
    "--task=quadratic(dimension=3)",
    "--task=quadratic_uniform(dimension=2,average_over=2)",
    "--rule=lstm(hidden_size=2,layers=1)",
    "--unroll=2",
    "--trajectory=4",
    "--num_tasks=2",
    "--num_validation_tasks=2",
    "--validate_every=5",
    "--nojit_compile",
)


def files(directory):
    paths = sorted(p for p in directory.rglob("*") if p.is_file())
    return {str(p.relative_to(directory)): p.read_bytes() for p in paths}


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory):
    output = tmp_path_factory.mktemp("runs") / "first"
    assert train.run([*SMALL, f"--output_dir={output}", "--meta_steps=12"]) == 0
    return output


def test_a_run_leaves_a_preset_with_a_card_that_says_how_it_was_made(finished_run):
    rule = presets.load_preset(finished_run / "preset")
    assert rule.hidden_size == 2
    card = presets.load_card(finished_run / "preset")
    assert "--output_dir=runs/first" in card and str(finished_run) not in card
    assert "'--task=quadratic(dimension=3)'" in card and "--meta_steps=12" in card
    config = json.loads((finished_run / "preset" / "config.json").read_text())
    assert len(config["meta_training"]["tasks"]) == 2


def test_a_run_leaves_summaries_for_tensorboard(finished_run):
    (events,) = (finished_run / "summaries").iterdir()
    steps = {}
    for record in tf.data.TFRecordDataset(str(events)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            steps.setdefault(value.tag, []).append(event.step)
    assert steps["train/meta_loss"] == [1, 10]
    assert steps["validation/score"] == [0, 5, 10, 12]


def test_a_run_that_is_not_to_be_resumed_does_not_touch_a_full_directory(finished_run, capsys):
    before = files(finished_run)
    assert train.run([*SMALL, f"--output_dir={finished_run}", "--meta_steps=12"]) == 2
    error = capsys.readouterr().err
    assert "is not empty; add --resume" in error
    assert error.strip().endswith(f"Received: --output_dir={finished_run}")
    assert files(finished_run) == before


def test_resuming_a_finished_run_says_so_and_keeps_or_restores_the_preset(finished_run, capsys):
    arguments = [*SMALL, f"--output_dir={finished_run}", "--meta_steps=12", "--resume"]
    before = files(finished_run)
    assert train.run(arguments) == 0
    assert "The run is finished (12 meta-steps)." in capsys.readouterr().out
    assert files(finished_run) == before
    weights = presets.load_preset(finished_run / "preset").meta_params
    for path in (finished_run / "preset").iterdir():
        path.unlink()
    (finished_run / "preset").rmdir()
    assert train.run(arguments) == 0
    restored = presets.load_preset(finished_run / "preset").meta_params
    for name, value in weights.items():
        np.testing.assert_array_equal(restored[name], value)


def test_resuming_with_other_settings_names_them(finished_run, capsys):
    arguments = [*SMALL, f"--output_dir={finished_run}", "--meta_steps=12", "--resume"]
    assert train.run([*arguments, "--seed=1", "--loss_weights=final"]) == 2
    error = capsys.readouterr().err
    assert "estimator.config.loss_weights='all', settings.seed=0" in error
    assert "Received: estimator.config.loss_weights='final', settings.seed=1" in error


@pytest.mark.slow
def test_resume_without_a_checkpoint_starts_afresh(tmp_path, capsys):
    arguments = [*SMALL, f"--output_dir={tmp_path}", "--meta_steps=1", "--resume"]
    assert train.run(arguments) == 0
    assert "starting afresh" in capsys.readouterr().out
    assert (tmp_path / "preset").is_dir()


@pytest.mark.slow
def test_a_run_without_any_finite_validation_leaves_no_preset(tmp_path, capsys):
    arguments = [*SMALL, f"--output_dir={tmp_path}", "--meta_steps=1"]
    assert train.run([*arguments, "--validation_task=quadratic(start=1e30)"]) == 1
    assert "No validation was finite" in capsys.readouterr().err
    assert not (tmp_path / "preset").exists()


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        (["--metasteps=3"], "--metasteps=3"),
        (["stray"], "stray"),
        (["--meta_steps=-1"], "meta_steps=-1"),
        (["--meta_steps=many"], "meta_steps='many'"),
        (["--unroll=0"], "unroll=0"),
        (["--patience=-1"], "patience=-1"),
        (["--loss_weights=best"], "loss_weights='best'"),
        (["--meta_learning_rate=nan"], "meta_learning_rate=nan"),
        (["--clip_norm=0"], "clip_norm=0"),
        (["--trajectory=4", "--trajectory=5"], "trajectory=5"),
        (["--random_scaling=-1"], "random_scaling=-1"),
        (["--random_scaling=1e9"], "random_scaling=1000000000.0"),
        (["--task=unheard_of"], "task='unheard_of'"),
        (["--task=quadratic(dimension=-3)"], "dimension=-3"),
        (["--task=quadratic(start=nothing)"], "start='nothing'"),
        (["--validation_task=quadratic("], "task='quadratic('"),
        (["--rule=unheard_of"], "rule='unheard_of'"),
        (["--rule=lstm(layers=0)"], "layers=0"),
        (["--rule=rnnprop(beta_1=2)"], "beta_1=2"),
        (["--output_dir="], "--output_dir="),
        (["--strategy=multi_worker"], "TF_CONFIG=None"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(
    arguments, received, tmp_path, monkeypatch, capsys
):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    output = tmp_path / "run"
    assert train.run([*SMALL, f"--output_dir={output}", "--meta_steps=1", *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("l2l-train: ") and "\n" not in error
    assert error.endswith(received) and "Received: " in error
    assert not output.exists()


def test_an_output_directory_that_is_a_file_is_refused(tmp_path, capsys):
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    for output in (path, path / "run"):
        assert train.run([*SMALL, f"--output_dir={output}", "--resume"]) == 2
        assert capsys.readouterr().err.strip().endswith(f"Received: --output_dir={output}")
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    "meta_optimizer",
    [{"meta_optimizer": "self", "meta_update_scale": 0.5}, {"meta_learning_rate": 0.5}],
    ids=["learned", "adam"],
)
def test_every_flag_reaches_the_run(tmp_path, meta_optimizer):
    given = meta_optimizer | dict(
        meta_steps=7,
        clip_norm=2.0,
        ema_decay=0.5,
        validate_every=3,
        num_validation_tasks=5,
        patience=2,
        checkpoint_every=4,
        seed=11,
        trajectory_sampling="log_uniform",
        validation_trajectory=6,
        refresh="growing",
        refresh_gap=4,
    )
    seen = {}

    def build(argv):
        seen.update(meta_run.build(train.FLAGS).describe())
        return 0

    code = train.run_command(
        "l2l-train",
        "",
        train.FLAGS,
        build,
        ["--task=quadratic", "--task=digits_mlp(hidden=3)", "--validation_task=digits_mlp"]
        + ["--rule=rnnprop", "--unroll=3", "--trajectory=6", "--trajectory=9", "--num_tasks=2"]
        + [
            "--loss_weights=linear",
            "--meta_loss_split=held_out",
            "--log_loss",
            "--second_derivatives",
        ]
        + ["--random_scaling=1.5", "--nojit_compile", "--log_floor=0.1", "--known_horizon=0.5"]
        + ["--wrong_horizon=0.25"]
        + ["--scaling_level=tensor", "--scaling_share=0.25", "--gradient_checkpointing=3"]
        + [f"--{name}={value}" for name, value in given.items()],
    )
    assert code == 0
    defaults = {"meta_optimizer": "adam", "meta_update_scale": 1.0, "meta_learning_rate": 3e-3}
    assert seen["settings"] == {**defaults, **given, "trajectories": [6, 9], "jit_compile": False}
    assert seen["estimator"]["config"] == dict(
        unroll=3,
        num_tasks=2,
        loss_weights="linear",
        meta_loss_split="held_out",
        log_loss=True,
        log_floor=0.1,
        known_horizon=0.5,
        wrong_horizon=0.25,
        second_derivatives=True,
        gradient_checkpointing=3,
    )
    assert [text.split("(")[0] for text in seen["tasks"]] == ["RandomScaling"] * 2
    assert "spread=1.5" in seen["tasks"][1] and "hidden=3" in seen["tasks"][1]
    assert seen["validation_tasks"][0].startswith("DigitsMLP(hidden=20")
    assert seen["rule"]["name"] == "rnnprop"


@pytest.mark.parametrize(
    "flags, own",
    [
        (["--estimator=imitation", "--teacher=sgd(learning_rate=0.5)"], "sgd(learning_rate=0.5)"),
        (["--estimator=pes", "--sigma=0.25"], 0.25),
        (["--estimator=es", "--sigma=0.5"], 0.5),
        (["--estimator=reinforce", "--exploration=0.5"], 0.5),
        (["--estimator=lookahead", "--trust=0.5"], 0.5),
    ],
)
def test_an_estimators_own_flags_reach_it(flags, own):
    seen = {}

    def build(argv):
        seen.update(meta_run.build(train.FLAGS).describe())
        return 0

    argv = ["--task=quadratic(dimension=2)", "--rule=rnnprop", *flags]
    assert train.run_command("l2l-train", "", train.FLAGS, build, argv) == 0
    assert own in seen["estimator"]["config"].values()


def test_a_teacher_that_is_no_rule_is_refused(tmp_path, capsys):
    argv = ["--task=quadratic", f"--output_dir={tmp_path / 'run'}", "--estimator=imitation"]
    for teacher, received in (("nobody", "teacher='nobody'"), ("a/b", "preset='a/b'")):
        assert train.run([*argv, f"--teacher={teacher}"]) == 2
        error = capsys.readouterr().err.strip()
        assert "\n" not in error and error.endswith(f"Received: {received}")
    assert not (tmp_path / "run").exists()


def test_help_tells_of_every_flag_and_name(capsys):
    assert train.run(["--help"]) == 0
    text = capsys.readouterr().out
    for name in train.FLAGS:
        assert re.search(rf"--{name}(, --no{name})?\n", text), name
    text = " ".join(text.split())
    for name in ("quadratic_uniform", "rnnprop", "imitation", "One of all, final, linear."):
        assert name in text


def start(output):
    root = pathlib.Path(__file__).parents[2]
    command = [sys.executable, "-m", "l2l_tf.cli.train", *SMALL, f"--output_dir={output}"]
    return subprocess.Popen(
        [*command, "--meta_steps=100000", "--checkpoint_every=5", "--resume"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for_checkpoint(process, output, after):
    """The step of a checkpoint younger than `after`, once there is one."""
    while process.poll() is None:
        found = checkpoint.newest_checkpoint(output / "checkpoints")
        if found is not None and found[0] > after:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(process.stdout.read())


def test_a_training_that_starts_from_a_preset_has_its_rule_and_its_weights():
    made = []

    def build(argv):
        made.append(meta_run.build(train.FLAGS))
        return 0

    flags = ["--task=quadratic", "--start_from=lstm-quadratic"]
    assert train.run_command("l2l-train", "", train.FLAGS, build, flags) == 0
    expected = presets.load_preset("lstm-quadratic")
    assert made[0].describe()["rule"] == rules.serialize(expected)
    for name, value in expected.meta_params.items():
        np.testing.assert_array_equal(made[0].variables[name].numpy(), value)


@pytest.mark.parametrize(
    "flag, received", [("nobody", "start_from='nobody'"), ("a/b", "preset='a/b'")]
)
def test_a_preset_to_start_from_that_is_not_there_is_refused(flag, received, tmp_path, capsys):
    given = ["--task=quadratic", f"--output_dir={tmp_path / 'run'}", f"--start_from={flag}"]
    assert train.run(given) == 2
    assert f"Received: {received}" in capsys.readouterr().err
    both = ["--rule=rnnprop", "--start_from=lstm-quadratic"]
    assert train.run(["--task=quadratic", f"--output_dir={tmp_path / 'run'}", *both]) == 2
    assert "nothing is there for 'input_kernel' of shape (20, 2)" in capsys.readouterr().err


@pytest.mark.parametrize("rule", ["partition", "gac_lstm"])
def test_weights_of_a_preset_start_another_rule(rule):
    made = []

    def build(argv):
        made.append(meta_run.build(train.FLAGS))
        return 0

    flags = ["--task=quadratic", "--start_from=lstm-digits", f"--rule={rule}"]
    assert train.run_command("l2l-train", "", train.FLAGS, build, flags) == 0
    given = presets.load_preset("lstm-digits").meta_params
    assert made[0].describe()["rule"] == rules.serialize(rules.get(rule))
    kinds = ("convolutional_", "fully_connected_") if rule == "partition" else ("",)
    for name, value in given.items():
        for kind in kinds:
            np.testing.assert_array_equal(made[0].variables[kind + name].numpy(), value)


@pytest.mark.slow
def test_killed_and_interrupted_and_resumed_equals_one_run(tmp_path):
    output = tmp_path / "run"
    process = start(output)
    step = wait_for_checkpoint(process, output, after=0)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    step = max(step, checkpoint.newest_checkpoint(output / "checkpoints")[0])

    process = start(output)
    wait_for_checkpoint(process, output, after=step)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    assert process.returncode == 130
    assert f"Going on from the checkpoint of meta-step {step}." in said
    assert "go on with --resume" in said and "Traceback" not in said
    step, arrays, _ = checkpoint.newest_checkpoint(output / "checkpoints")
    assert f"Interrupted at meta-step {step};" in said
    assert "best preset so far" in said
    assert f"Meta-steps: {step} of 100000" in presets.load_card(output / "preset")

    whole = []

    def uninterrupted(argv):
        whole.append(meta_run.build(train.FLAGS))
        for _ in range(step):
            whole[0].step()
        return 0

    flags = [*SMALL, "--meta_steps=100000", "--checkpoint_every=5"]
    assert train.run_command("l2l-train", "", train.FLAGS, uninterrupted, flags) == 0
    for name, variable in whole[0].variables.items():
        np.testing.assert_allclose(arrays[f"meta_params/{name}"], variable.numpy(), rtol=1e-6)
