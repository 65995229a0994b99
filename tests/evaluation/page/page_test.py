"""The page of an evaluation: whole in one file, and its buttons reach all lines."""

import base64
import math
import sys

import pytest

from l2l_tf.evaluation import Contestant, Results
from l2l_tf.evaluation.page import curves, frames, heat_map
from l2l_tf.evaluation.results import Picture, Record
from l2l_tf.evaluation.suite import ranked, write_page

# A GIF of one pixel; browsers look at what a picture is, not at how it is called.
PIXEL = base64.b64encode(
    b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
).decode()
VERSIONS = {"tensorflow": "2", "keras": "3", "l2l_tf": "0"}


def runs(task, optimizer, losses, seed):
    return [
        Record(
            task=task,
            optimizer=optimizer,
            learning_rate=None,
            seed=seed,
            step=10 * i,
            seconds=0.25 * i,
            batch_loss=None,
            train_loss=loss * (1 + 0.1 * seed),
            held_out_loss=2 * loss,
            train_accuracy=None,
            held_out_accuracy=None,
        )
        for i, loss in enumerate(losses)
    ]


@pytest.fixture
def results():
    """Three optimizers on two tasks, one of which runs away on the second; and a painting."""
    losses = {
        ("one", "learned"): [4.0, 1.0, 0.25],
        ("one", "adam"): [4.0, 2.0, 0.5],
        ("one", "sgd"): [4.0, 3.0, 2.0],
        ("two <b>", "learned"): [4.0, 500.0, math.inf],
        ("two <b>", "adam"): [4.0, 3.0, 1.0],
        ("two <b>", "sgd"): [4.0, 3.0, 10.0],
    }
    return Results(
        {"tasks": {t: {"kind": "", "steps": 20, "held_out_rows": 9} for t in ("one", "two <b>")}},
        [Contestant(task, name, name == "learned") for task, name in losses],
        [r for (t, n), values in losses.items() for s in (0, 1) for r in runs(t, n, values, s)],
        [Picture("one", name, step, PIXEL) for name in ("learned", "adam") for step in (0, 20)],
        versions=VERSIONS,
    )


def test_the_page_is_one_file_that_asks_for_nothing(results, tmp_path):
    results.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    own = page[: page.index("<script")]
    assert not [word for word in ("<link", "src=", "@import") if word in own]
    assert "<script src" not in page
    assert "two &lt;b&gt;" in own and "<td>0.263 ±0.013</td>" in own
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert len(page) < 6e6


def test_buttons_reach_every_line(results):
    figure = curves.figure(results)
    # Two edges of the range for a learned one, and every median.
    assert len(figure.data) == 2 * (3 + 1 + 1)
    by_label = {b.label: b for menu in figure.layout.updatemenus for b in menu.buttons}
    for label in ("steps", "seconds", "train loss", "held-out loss"):
        (changed,) = by_label[label].args
        (values,) = changed.values()
        assert len(values) == len(figure.data)
    assert list(by_label["seconds"].args[0]["x"][0]) == [0, 0.25, 0.5]
    assert by_label["x: log"].args[0]["xaxis2.type"] == "log"
    assert "held-out accuracy" not in by_label
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert sorted(named) == ["adam", "learned", "sgd"]
    assert {trace.legendgroup for trace in figure.data} == {"adam", "learned", "sgd"}


def test_a_line_that_runs_away_ends_at_the_edge(results):
    figure = curves.figure(results)
    (away,) = [t for t in figure.data if t.name == "learned" and t.showlegend is False][-1:]
    assert away.y[1] == pytest.approx(42.0) and away.y[2] is None


def test_the_heat_map_has_each_optimizer_beside_adam(results):
    figure, note = heat_map.figure(results)
    (trace,) = figure.data
    assert list(trace.x) == ["one", "two <b>"] and list(trace.y) == ["learned", "sgd"]
    assert [list(row) for row in trace.text] == [["0.5", "∞"], ["4", "10"]]
    assert trace.z[0][1] == 1.0 and "tuned Adam" in note

    others = (
        [x for x in of if x.optimizer != "adam"] for of in (results.contestants, results.records)
    )
    figure, note = heat_map.figure(Results({}, *others))
    (trace,) = figure.data
    assert trace.text[0][0] == "1" and "lowest" in note


def test_a_slider_goes_through_the_pictures(results):
    figure = frames.figure(results)
    assert len(figure.data) == 2
    (slider,) = figure.layout.sliders
    assert [step.label for step in slider.steps] == ["0", "20"]
    assert all(len(step.args[0]["source"]) == 2 for step in slider.steps)
    assert figure.data[0].source.startswith("data:image/jpeg;base64,")


def test_a_suite_shows_its_overview(results, tmp_path):
    results.pictures = []
    write_page(ranked(results), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert page.index("Over all tasks") < page.index("Task by task") < page.index("Curves")
    assert "<details>" in page and "Pictures" not in page[: page.index("<script")]


def test_without_plotly_it_is_said_what_to_install(results, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(ImportError, match=r"pip install 'l2l-tf\[plots\]'"):
        results.to_html(tmp_path / "page.html")
