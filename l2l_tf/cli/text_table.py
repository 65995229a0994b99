"""Tables of plain text that fit a terminal."""

import shutil
import textwrap

WIDTH = 100
GAP = "  "


def terminal_width() -> int:
    """Columns of the terminal, at most `WIDTH`, which is also what a file gets."""
    return min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)


def text_table(
    head: list[str], rows: list[list[str]], wrapped: int, width: int | None = None
) -> str:
    """A table with one column that is wrapped where it would be too wide.

    Args:
        head: Names of the columns.
        rows: Rows of as many cells.
        wrapped: Number of the column that is wrapped at spaces.
        width: Columns of the terminal; default: `terminal_width()`.
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    room = (width or terminal_width()) - sum(widths) + widths[wrapped] - len(GAP) * (len(head) - 1)
    widths[wrapped] = max(len(head[wrapped]), min(widths[wrapped], room))
    lines = [head, ["─" * w for w in widths]]
    for row in rows:
        pieces = textwrap.wrap(row[wrapped], widths[wrapped]) or [""]
        lines.append([*row[:wrapped], pieces[0], *row[wrapped + 1 :]])
        lines += [[*[""] * wrapped, more, *[""] * (len(row) - wrapped - 1)] for more in pieces[1:]]
    return "\n".join(
        GAP.join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
