"""`l2l-train` as its users meet it."""

from l2l_tf.cli import train


def test_the_cards_command_holds_no_directory_of_the_machine(tmp_path):
    train.FLAGS(
        ["l2l-train", f"--output_dir={tmp_path / 'first'}/", "--task=quadratic(dimension=3)"]
        + ["--task", "digits_mlp", "--resume", "--nojit_compile", "--meta_steps=5"]
    )
    command = train._command()
    assert str(tmp_path) not in command and "--output_dir=runs/first" in command
    assert "'--task=quadratic(dimension=3)' --task=digits_mlp" in command
    assert "--meta_steps=5" in command and "--nojit_compile" in command
    assert "--resume" not in command and "seed" not in command
