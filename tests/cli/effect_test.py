"""A flag that was given and has no effect is refused in one line."""

import pytest

from l2l_tf.cli import convert, evaluate, export, presets, search, train

TRAIN = ("--task=quadratic", "--output_dir=new")


@pytest.mark.parametrize(
    "command, arguments, said",
    [
        (
            train,
            ["--sigma=.3"],
            "--sigma has no effect with --estimator=bptt. Received: --sigma=0.3",
        ),
        (
            train,
            ["--estimator=pes", "--second_derivatives"],
            "--second_derivatives has no effect with --estimator=pes. "
            "Received: --second_derivatives",
        ),
        (train, ["--teacher=adam"], "no effect with --estimator=bptt. Received: --teacher=adam"),
        (train, ["--log_floor=1"], "no effect without --log_loss. Received: --log_floor=1.0"),
        (train, ["--refresh_gap=2"], "no effect with --refresh=always. Received: --refresh_gap=2"),
        (train, ["--partner=lstm"], "with --meta_optimizer=adam. Received: --partner=lstm"),
        (
            train,
            ["--meta_optimizer=self", "--meta_learning_rate=1"],
            "with --meta_optimizer=self. Received: --meta_learning_rate=1.0",
        ),
        (
            train,
            ["--scaling_share=0.5"],
            "without --random_scaling. Received: --scaling_share=0.5",
        ),
        (search, ["--sigma=.3"], "no effect with --estimator=bptt. Received: --sigma=0.3"),
        (
            search,
            ["--meta_optimizer=self", "--draws=2"],
            "--draws has no effect with --meta_optimizer=self. Received: --draws=2",
        ),
        (evaluate, ["--quick"], "--quick has no effect without --suite. Received: --quick"),
        (evaluate, ["--half=report"], "without --suite. Received: --half=report"),
        (evaluate, ["--stretch=2"], "without --suite. Received: --stretch=2.0"),
        (evaluate, ["--known_horizon"], "without --preset. Received: --known_horizon"),
        (
            evaluate,
            ["--baselines=", "--grid_low=1"],
            "without --baselines. Received: --grid_low=1.0",
        ),
        (
            evaluate,
            ["--results=a.json", "--results=b.json"],
            "--task has no effect with --results=a.json --results=b.json. "
            "Received: --task=quadratic",
        ),
    ],
)
def test_a_flag_without_effect_is_refused(command, arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command.run([*TRAIN, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.endswith(f"{said}\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command, arguments, said",
    [
        (
            export,
            ["--model=a.keras", "--output_dir=new", "--rule=adam"],
            "--rule has no effect with --model=a.keras. Received: --rule=adam",
        ),
        (
            export,
            ["--batch_size=3"],
            "--batch_size has no effect with --kind=savedmodel. Received: --batch_size=3",
        ),
        (
            presets,
            ["--names", "--card=lstm-digits"],
            "--card has no effect with --names. Received: --card=lstm-digits",
        ),
        (
            convert,
            ["--source=celo", "--noorthogonalize"],
            "--orthogonalize has no effect with --source=celo. Received: --noorthogonalize",
        ),
    ],
)
def test_so_it_is_in_all_commands(command, arguments, said, capsys):
    assert command.run(arguments) == 2
    assert capsys.readouterr().err.endswith(f": {said}\n")


def test_what_is_not_known_is_said_first(capsys):
    assert train.run([*TRAIN, "--estimator=bptx", "--sigma=1"]) == 2
    assert "did you mean 'bptt'? Received: estimator='bptx'" in capsys.readouterr().err
