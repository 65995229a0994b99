"""A table for each contender, as Markdown and CSV."""

import pathlib

from l2l_tf.core.files import write_csv, write_whole


def sections(head, rows, summary, table):
    """Markdown: what stands above all, then a section for each contender.

    Args:
        head: Text.
        rows: Dict contender's name → list of rows.
        summary: Function of a name and its rows → a sentence.
        table: Function of rows → Markdown.
    """
    parts = [head]
    for name, own in rows.items():
        parts += [f"## {name}\n", summary(name, own) + "\n", table(own)]
    return "\n".join(parts)


class Report:
    """Rows of each contender, written anew after every one of them.

    Args:
        directory: Where `name`.md and `name`.csv go; made if needed.
        name: Of the files.
        text: Function of a dict contender's name → rows → Markdown.
    """

    def __init__(self, directory, name, text):
        self._directory, self._name, self._text = pathlib.Path(directory), name, text
        self._directory.mkdir(parents=True, exist_ok=True)
        self._rows = {}

    def add(self, contender, row):
        """One row, a dict, of a contender's name."""
        self._rows.setdefault(contender, []).append(row)
        write_whole(self._directory / f"{self._name}.md", self._text(self._rows))
        rows = [{"contender": n, **r} for n, own in self._rows.items() for r in own]
        write_csv(self._directory / f"{self._name}.csv", rows)
