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


def test_the_middle_suite_is_as_it_was_measured():
    readme = (ROOT / "README.md").read_text()
    measured = (ROOT / "results/suite-middle/suite.md").read_text()
    shown = table_after(readme, "| final train loss | default, told")
    found = table_after(measured, "## Final train loss")
    assert len(shown) == len(found) == 14
    assert [row[1:] for row in shown] == [row[1:] for row in found]


def test_the_sweep_is_as_it_was_measured():
    readme = (ROOT / "README.md").read_text()
    measured = (ROOT / "experiments/habits/results/sweep.md").read_text()
    shown = table_after(readme, "| width × hidden layers |")
    found = table_after(measured, "| width | depth | batch | steps |")
    assert [[f"{w} × {d}", *rest[:5]] for w, d, _, _, *rest in found] == shown


def test_shares_over_the_middle_suite_are_as_measured():
    readme = (ROOT / "README.md").read_text()
    measured = (ROOT / "results/suite-middle/suite.md").read_text()
    curves = {row[0]: row[1:] for row in table_after(measured, "## The whole curve")}
    shown = table_after(readme, "| | at or below the better of the two |")
    for row, name in zip(shown, ("default", "untold"), strict=True):
        along, _, better, near_adam, speed_up, _, held_out = curves[name]
        assert [*row[1:3], row[4], row[5]] == [better, near_adam, along, held_out]
        assert float(row[3]) == float(speed_up)


def test_nets_as_tutorials_have_them_are_as_measured():
    readme = (ROOT / "README.md").read_text()
    measured = (ROOT / "experiments/everyday/results/everyday.md").read_text()
    shown = table_after(readme, "| net | Adam(1e-3) |")
    found = table_after(measured, "| net | Adam(0.001) |")
    assert len(shown) == len(found) == 10
    assert [[row[0], *(c.split(" / ")[0] for c in row[1:])] for row in found] == shown
