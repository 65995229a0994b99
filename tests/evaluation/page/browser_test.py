"""The page in headless Chromium: it draws, asks for nothing, and its switches switch."""

import numpy as np
import pytest

from l2l_tf.evaluation import Contestant, Results
from l2l_tf.evaluation.results import Picture, Record

pytestmark = pytest.mark.slow

TRACES = "Array.from(document.querySelectorAll('.js-plotly-plot')[0].data)"
LAYOUT = "document.querySelectorAll('.js-plotly-plot')[0]._fullLayout"


@pytest.fixture(scope="module")
def results():
    import base64

    import tensorflow as tf

    contestants, records, pictures = [], [], []
    for task in ("digits", "quadratic"):
        for name, pace in (("learned", 0.6), ("adam", 0.8), ("sgd", 0.95)):
            contestants.append(Contestant(task, name, name == "learned"))
            for seed in range(2):
                for step in range(0, 101, 10):
                    loss = 3.0 * pace ** (step / 10) * (1 + 0.2 * seed)
                    values = [step / 200, None, loss, 1.1 * loss, None, 1 / (1 + loss)]
                    records.append(Record(task, name, None, seed, step, *values))
    for step in (0, 100):
        pixels = np.full([16, 16, 3], 2 * step, np.uint8)
        jpeg = base64.b64encode(tf.io.encode_jpeg(pixels).numpy()).decode()
        pictures += [Picture("digits", name, step, jpeg) for name in ("learned", "adam")]
    versions = {"tensorflow": "2", "keras": "3", "l2l_tf": "0"}
    return Results({}, contestants, records, pictures, versions=versions)


def test_the_page_works_without_any_network(results, tmp_path):
    from tools.browser import opened

    results.to_html(tmp_path / "page.html")
    with opened((tmp_path / "page.html").as_uri()) as (page, asked):
        page.wait_for_selector(".js-plotly-plot .legendtoggle")
        assert page.locator(".js-plotly-plot").count() == 3
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []

        def press(label):
            page.locator(".updatemenu-button", has_text=label).first.click()
            page.wait_for_timeout(300)

        assert page.evaluate(f"{TRACES}[0].x[1]") == 10
        press("seconds")
        assert page.evaluate(f"{TRACES}[0].x[1]") == 0.05
        assert page.evaluate(f"{LAYOUT}.yaxis.type") == "log"
        press("y: linear")
        press("x: log")
        scales = [page.evaluate(f"{LAYOUT}.{a}.type") for a in ("yaxis", "yaxis2", "xaxis2")]
        assert scales == ["linear", "linear", "log"]
        before = page.evaluate(f"{TRACES}[2].y[10]")
        press("held-out loss")
        assert page.evaluate(f"{TRACES}[2].y[10]") == pytest.approx(1.1 * before, rel=1e-3)

        page.locator(".legendtoggle").first.click()
        page.wait_for_timeout(800)
        off = page.evaluate(f"{TRACES}.filter(t => t.visible === 'legendonly').map(t => t.name)")
        assert off == ["learned"] * 6
        pictures = page.locator(".im image")
        assert pictures.count() == 2
        assert pictures.first.bounding_box()["width"] > 100
