"""`l2l-demo` from meta-training to a reloaded training."""

import pytest

from l2l_tf.cli import demo


@pytest.mark.slow
def test_the_demo_leaves_a_preset_a_table_and_a_training(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "demo"
    assert demo.run(["--meta_steps=4", "--output_dir=demo"]) == 0
    printed = capfd.readouterr().out
    assert max(map(len, printed.splitlines())) <= 100
    assert "demo's lstm" in printed and "Reloaded with TensorFlow alone" in printed
    assert (output / "meta_training" / "preset" / "weights.npz").is_file()
    assert {"curves.png", "results.csv", "results.json"} <= {p.name for p in output.iterdir()}


def test_a_file_in_its_place_is_refused(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert demo.run([f"--output_dir={tmp_path / 'file'}"]) == 2
    assert capsys.readouterr().err.endswith(f"Received: --output_dir={tmp_path / 'file'}\n")
