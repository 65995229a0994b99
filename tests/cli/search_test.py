"""`l2l-search`: the meta-learning rate by random search."""

import csv
import math

import numpy as np
import pytest

from l2l_tf import presets
from l2l_tf.cli import search, train
from l2l_tf.meta import search as meta_search

SMALL = (
    "--task=quadratic(dimension=3)",
    "--rule=lstm(hidden_size=2,layers=1)",
    *("--unroll=2", "--trajectory=4", "--num_tasks=2", "--num_validation_tasks=2"),
    *("--validate_every=5", "--meta_steps=10", "--nojit_compile"),
    *("--min_rate=1e-4", "--max_rate=1e-1"),
)


def rows(output):
    with open(output / "search.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("runs") / "search"
    assert search.run([*SMALL, f"--output_dir={output}", "--draws=2"]) == 0
    return output


def test_rates_are_log_uniform_and_do_not_depend_on_how_many_are_drawn():
    drawn = [meta_search.meta_learning_rate(3, n, 1e-5, 1e-2) for n in range(400)]
    assert drawn[7] == meta_search.meta_learning_rate(3, 7, 1e-5, 1e-2)
    assert drawn[7] != meta_search.meta_learning_rate(4, 7, 1e-5, 1e-2)
    places = np.sort((np.log10(drawn) + 5) / 3)
    assert places[0] >= 0 and places[-1] <= 1
    # Kolmogorov and Smirnov's distance from uniform; 1.95 / √n is passed once in a thousand times.
    assert np.max(np.abs(places - (np.arange(400) + 0.5) / 400)) < 1.95 / math.sqrt(400)


@pytest.mark.parametrize("lowest, highest", [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (1.0, math.inf)])
def test_bounds_that_are_none_are_refused(lowest, highest):
    with pytest.raises(ValueError, match="Received:"):
        meta_search.meta_learning_rate(0, 0, lowest, highest)


def test_the_draw_of_the_least_validation_score_is_kept(finished):
    found = rows(finished)
    rates = [float(row["meta_learning_rate"]) for row in found]
    assert rates == [meta_search.meta_learning_rate(0, n, 1e-4, 1e-1) for n in (0, 1)]
    best = min(found, key=lambda row: float(row["score"]))
    of_best = presets.load_preset(finished / f"draw-0{best['draw']}" / "preset")
    for name, value in presets.load_preset(finished / "preset").meta_params.items():
        np.testing.assert_array_equal(value, of_best.meta_params[name])
    card = presets.load_card(finished / "preset")
    assert f"--meta_learning_rate={best['meta_learning_rate']}" in card
    assert "--draws=2" in card and str(finished) not in card
    for row in found:
        assert f"| {row['draw']} | {float(row['meta_learning_rate']):g} |" in card


def test_a_draw_is_the_run_of_l2l_train_with_its_rate(finished, tmp_path):
    row = rows(finished)[1]
    given = [a for a in SMALL if "_rate=" not in a]
    rate = f"--meta_learning_rate={row['meta_learning_rate']}"
    assert train.run([*given, rate, f"--output_dir={tmp_path / 'alone'}"]) == 0
    alone = presets.load_preset(tmp_path / "alone" / "preset").meta_params
    drawn = presets.load_preset(finished / "draw-01" / "preset").meta_params
    for name, value in alone.items():
        np.testing.assert_array_equal(value, drawn[name])


def test_more_draws_go_on_from_those_that_are_there(finished, capsys):
    before = rows(finished)
    assert search.run([*SMALL, f"--output_dir={finished}", "--draws=2"]) == 2
    assert "is not empty; add --resume" in capsys.readouterr().err
    assert search.run([*SMALL, f"--output_dir={finished}", "--draws=3", "--resume"]) == 0
    assert capsys.readouterr().out.count("The run is finished (10 meta-steps).") == 2
    assert rows(finished)[:2] == before and len(rows(finished)) == 3
    assert search.run([*SMALL, f"--output_dir={finished}", "--resume", "--max_rate=1"]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("l2l-search: The checkpoint belongs to a run with other settings")
    assert "Received: settings.meta_learning_rate=" in error and len(rows(finished)) == 3


def test_an_interrupted_search_keeps_the_best_so_far_and_goes_on(tmp_path, monkeypatch, capsys):
    given = [*SMALL, f"--output_dir={tmp_path / 'search'}", "--draws=3"]
    whole, calls = train.main, []

    def interrupted(argv):
        calls.append(train.FLAGS.output_dir)
        code = whole(argv)
        return 130 if len(calls) == 2 else code

    monkeypatch.setattr(train, "main", interrupted)
    assert search.run(given) == 130
    assert len(calls) == 2 and len(rows(tmp_path / "search")) == 2
    assert presets.load_preset(tmp_path / "search" / "preset").hidden_size == 2
    assert search.run([*given, "--resume"]) == 0
    assert [row["draw"] for row in rows(tmp_path / "search")] == ["0", "1", "2"]
    assert "is in" in capsys.readouterr().out


def test_without_any_finite_validation_nothing_is_kept(tmp_path, capsys):
    given = [*SMALL, f"--output_dir={tmp_path / 'search'}", "--draws=1", "--meta_steps=1"]
    assert search.run([*given, "--validation_task=quadratic(start=1e30)"]) == 1
    assert "No draw had a finite validation" in capsys.readouterr().err
    assert [row["score"] for row in rows(tmp_path / "search")] == ["inf"]
    assert not (tmp_path / "search" / "preset").exists()


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        (["--meta_learning_rate=1"], "--meta_learning_rate=1"),
        (["--draws=0"], "draws=0"),
        (["--min_rate=0"], "min_rate=0"),
        (["--min_rate=1"], "max_rate=0.1"),
        (["--rule=unheard_of"], "rule='unheard_of'"),
        (["--output_dir="], "--output_dir="),
        (["stray"], "stray"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(arguments, received, tmp_path, capsys):
    output = tmp_path / "search"
    assert search.run([*SMALL, f"--output_dir={output}", *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("l2l-search: ") and "\n" not in error
    assert error.endswith(received) and "Received: " in error
    assert not output.exists()


def test_help_tells_of_the_flags_of_both(capsys):
    assert search.run(["--help"]) == 0
    text = capsys.readouterr().out
    for name in search.OWN:
        assert f"--{name}\n" in text
    assert "--patience\n" in text and "--meta_learning_rate\n" not in text
