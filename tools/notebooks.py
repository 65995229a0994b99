"""Makes pages of the docs into notebooks, and runs them.

python -m tools.notebooks                     # all of PAGES into notebooks/
python -m tools.notebooks train-a-cnn

Running them needs nbclient and ipykernel (requirements-slow.txt). Each ```python block of a page
is a cell.
"""

import os
import pathlib
import re
import sys
import tempfile
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
PAGES = {
    "quick-start": ROOT / "docs" / "quick-start.md",
    "meta-train": ROOT / "docs" / "tutorials" / "meta-train.md",
    "train-a-cnn": ROOT / "docs" / "tutorials" / "train-a-cnn.md",
}
_PYTHON = re.compile(r"```python\n(.*?)```\n?", re.DOTALL)
_LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)\s]+)(\))")


class Cell(NamedTuple):
    """A cell before it is run.

    Attributes:
        kind: "code" or "markdown".
        source: Its text.
        id: Its name in the notebook.
    """

    kind: str
    source: str
    id: str


def cells(page):
    """The cells of a page's notebook, a list of `Cell`.

    Args:
        page: Path of a Markdown file.
    """
    made = []
    for number, piece in enumerate(_PYTHON.split(page.read_text("utf-8"))):
        if not piece.strip():
            continue
        if number % 2:
            made.append(Cell("code", piece.strip(), f"cell-{number}"))
        else:
            text = _LINK.sub(lambda match: _moved(match, page), piece.strip())
            made.append(Cell("markdown", text, f"cell-{number}"))
    return made


def _moved(match, page):
    """A link of a page as it is written in the notebooks' folder."""
    path = (page.parent / match[2].partition("#")[0]).resolve()
    anchor = "#" + match[2].partition("#")[2] if "#" in match[2] else ""
    return match[1] + os.path.relpath(path, NOTEBOOKS) + anchor + match[3]


def executed(name):
    """The notebook of one of `PAGES` with its outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: If a cell does.
    """
    from nbclient import NotebookClient
    from nbformat import v4

    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    new = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}
    made = [new[cell.kind](cell.source, id=cell.id) for cell in cells(PAGES[name])]
    notebook = v4.new_notebook(cells=made, metadata={"kernelspec": kernel})
    with tempfile.TemporaryDirectory() as directory:
        # What TensorFlow says when it starts is no output of a tutorial.
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
        inline = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
        client = NotebookClient(notebook, timeout=1800, resources={"metadata": {"path": directory}})
        client.execute(env={**os.environ, **quiet, **inline})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if "outputs" in cell:
            # What a cell prints and draws; the value of its last line is of no interest.
            shown = (o for o in cell.outputs if o.output_type != "execute_result")
            cell.outputs = [o for o in shown if o.get("name") != "stderr"]
    return notebook


if __name__ == "__main__":
    import nbformat

    NOTEBOOKS.mkdir(exist_ok=True)
    for chosen in sys.argv[1:] or PAGES:
        path = NOTEBOOKS / f"{chosen}.ipynb"
        nbformat.write(executed(chosen), path)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
