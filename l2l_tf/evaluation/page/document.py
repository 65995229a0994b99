"""The page: what was measured, tables, interactive curves, a heat map, pictures."""

import html
import os
import pathlib
from typing import Any

from l2l_tf.core.files import write_whole
from l2l_tf.core.wording import counted
from l2l_tf.evaluation import tables
from l2l_tf.evaluation.page import curves, frames, heat_map

# Of the file that commands write.
NAME = "page.html"

# From here on a reader wants a table over the tasks, and those of single tasks folded.
MANY_TASKS = 4

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; margin: 2rem auto; max-width: 1180px;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .4rem; }
.note { color: #666; font-size: .85rem; margin: .2rem 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid #e3e3e3; }
th:first-child, td:first-child { text-align: left; } th { border-bottom: 2px solid #999; }
tr.learned td { font-weight: 600; } caption { text-align: left; color: #666; font-size: .85rem; }
summary { cursor: pointer; margin: .3rem 0; }
"""


def write(
    results: Any,
    path: str | os.PathLike,
    title: str = "Learned optimizers beside tuned ones",
    overview: tuple[list[str], list[list[str]]] | None = None,
) -> None:
    """Write the page; it needs no other file and no network.

    Args:
        results: `Results`.
        path: File to write.
        title: Heading.
        overview: `(head, rows)` of a table over all tasks, shown first.

    Raises:
        ImportError: If plotly is not installed.
    """
    parts = [f"<h1>{html.escape(title)}</h1>", _note(_provenance(results))]
    if overview:
        learned = {c.optimizer for c in results.contestants if c.learned}
        parts += ["<h2>Over all tasks</h2>", _table(*overview, learned)]
    folded = overview is not None or len(results.tasks) >= MANY_TASKS
    tasks = [_task_table(results, task, folded) for task in results.tasks]
    sections = [
        ("Task by task" if folded else "At the end", tables.LEGEND, "".join(tasks)),
        ("Curves", curves.NOTE, _figure(curves.figure(results), with_library=True)),
    ]
    if len(results.tasks) > 1:
        drawn, note = heat_map.figure(results)
        sections.append(("From task to task", note, _figure(drawn)))
    if results.pictures:
        sections.append(("Pictures", frames.NOTE, _figure(frames.figure(results))))
    for heading, note, content in sections:
        parts += [f"<h2>{heading}</h2>", _note(note), f'<div class="wide">{content}</div>']
    head = f"<meta charset='utf-8'><title>{html.escape(title)}</title><style>{STYLE}</style>"
    page = f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(parts)}</body></html>"
    write_whole(pathlib.Path(path), page + "\n")


def _provenance(results):
    seeds = len({r.seed for r in results.records})
    named = {"tensorflow": "TensorFlow", "keras": "Keras", "l2l_tf": "l2l_tf"}
    versions = [f"{name} {results.versions[key]}" for key, name in named.items()]
    over = f"Medians over {counted(seeds, 'seed')}"
    return " · ".join([over, *versions, results.cpu, results.date])


def _note(text):
    return f'<p class="note">{html.escape(text)}</p>'


def _task_table(results, task, folded):
    head, rows, title = tables.cells(results, task)
    learned = {c.optimizer for c in results.contestants if c.learned}
    table = _table(head, rows, learned, title)
    if not folded:
        return table
    return f"<details><summary>{html.escape(task)}</summary>{table}</details>"


def _table(head, rows, learned, title=None):
    lines = [f"<caption>{html.escape(title)}</caption>"] if title else []
    lines.append(_row("th", head))
    lines += [_row("td", row, ' class="learned"' if row[0] in learned else "") for row in rows]
    return f"<table>{''.join(lines)}</table>"


def _row(tag, cells, attribute=""):
    inside = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
    return f"<tr{attribute}>{inside}</tr>"


def _figure(figure, with_library=False):
    """A plotly figure as HTML; the first one brings the library along."""
    return figure.to_html(
        full_html=False,
        include_plotlyjs=with_library,
        config={"responsive": True, "displaylogo": False},
    )
