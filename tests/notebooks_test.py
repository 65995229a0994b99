"""Notebooks hold what the pages hold that they are made of, and what came out of it."""

import json
import pathlib

import pytest

from tools import notebooks

NOTEBOOKS = pathlib.Path(__file__).parents[1] / "notebooks"


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_its_page(path):
    made = [(cell.kind, cell.source) for cell in notebooks.cells(notebooks.PAGES[path.stem])]
    kept = json.loads(path.read_text("utf-8"))["cells"]
    assert made == [(cell["cell_type"], "".join(cell["source"])) for cell in kept]
    code = [cell for cell in kept if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    shown = [output["output_type"] for cell in code for output in cell["outputs"]]
    assert set(shown) <= {"stream", "display_data"}


def test_every_page_has_its_notebook_and_links_lead_somewhere():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == set(notebooks.PAGES)
    for page in notebooks.PAGES.values():
        for cell in notebooks.cells(page):
            for _, target, _ in notebooks._LINK.findall(cell.source):
                assert (NOTEBOOKS / target.partition("#")[0]).exists(), target


@pytest.mark.slow
def test_a_notebook_runs():
    notebook = notebooks.executed("quick-start")
    assert all(cell.get("execution_count", 1) for cell in notebook.cells)
