"""The README's tables are those of the committed results."""

import pathlib

ROOT = pathlib.Path(__file__).parents[1]


def table_after(text, heading):
    """Cells of the first table below a heading, without its head; emphasis is left out."""
    lines = iter(text[text.index(heading) :].splitlines())
    rows = []
    for line in lines:
        if line.startswith("|"):
            rows.append([cell.strip(" *") for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows[2:]


def shown_and_measured(shown, results, heading):
    """Cells of the README's table below `shown`, and of one in a file of results."""
    readme, measured = ((ROOT / name).read_text() for name in ("README.md", results))
    return table_after(readme, shown), table_after(measured, heading)


def test_the_middle_suite_is_as_it_was_measured():
    shown, found = shown_and_measured(
        "| final train loss | default, told", "results/suite-middle/suite.md", "## Final train loss"
    )
    assert len(shown) == len(found) == 14
    assert [row[1:] for row in shown] == [row[1:] for row in found]


def test_the_sweep_is_as_it_was_measured():
    shown, found = shown_and_measured(
        "| width × hidden layers |",
        "experiments/habits/results/sweep.md",
        "| width | depth | batch | steps |",
    )
    cells = {}
    for width, depth, _, _, *losses, usual, longer, adam, _, _ in found:
        best = min([*losses, usual, longer], key=float)
        as_it_is = usual if best == usual else f"{usual} ({best})"
        cells.setdefault(f"{width} × {depth}", []).append(f"{as_it_is} / {adam}")
    assert len(found) == 40
    assert [[size, *row] for size, row in cells.items()] == shown
    near = sum(row[-2] == "yes" for row in found)
    assert f"the best of the four in {near} of these 40 cells" in (ROOT / "README.md").read_text()


def test_shares_over_the_middle_suite_are_as_measured():
    shown, found = shown_and_measured(
        "| | at or below the better of the two |",
        "results/suite-middle/suite.md",
        "## The whole curve",
    )
    curves = {row[0]: row[1:] for row in found}
    for row, name in zip(shown, ("default", "untold"), strict=True):
        along, _, better, near_adam, speed_up, _, held_out = curves[name]
        assert [*row[1:3], row[4], row[5]] == [better, near_adam, along, held_out]
        assert float(row[3]) == float(speed_up)


def test_nets_as_tutorials_have_them_are_as_measured():
    shown, found = shown_and_measured(
        "| net | Adam(1e-3) |",
        "experiments/everyday/results/everyday.md",
        "| net | Adam(0.001) |",
    )
    assert len(shown) == len(found) == 14
    assert [[row[0], *(c.split(" / ")[0] for c in row[1:])] for row in found] == shown
