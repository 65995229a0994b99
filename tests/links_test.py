"""Links in Markdown lead somewhere, and pictures can be drawn again."""

import pathlib
import re

import pytest

from experiments import redraw

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = ("docs", "experiments", "examples", "results", "findings", "benchmarks", "l2l_tf/presets")
PAGES = [*ROOT.glob("*.md"), *(p for f in FOLDERS for p in (ROOT / f).rglob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page):
    """Names of a page's headings as links write them."""
    headings = re.findall(r"^#+ +(.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page):
    """Links of a page that lead nowhere."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in LINK.findall(re.sub(r"`[^`\n]*`", "", text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_links_lead_somewhere(page):
    assert not list(broken(page))


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A heading\n[a](#a-heading) [b](page.md) [c](gone.md) ![d](page.md#gone)\n")
    assert list(broken(page)) == ["gone.md", "page.md#gone"]


def tables_with_code(page):
    """Rows of a page's tables whose last column is called code."""
    heads = re.split(
        r"^\|(?:.*\|)? code \|\n\|[-|]+\|\n", page.read_text("utf-8"), flags=re.MULTILINE
    )
    for rest in heads[1:]:
        yield [row for row in rest.partition("\n\n")[0].splitlines() if row.startswith("|")]


@pytest.mark.parametrize("page, tables", [("paper", 2), ("appendix", 1), ("review", 1)])
def test_each_part_of_the_paper_names_its_code(page, tables):
    found = list(tables_with_code(ROOT / "docs" / f"{page}.md"))
    assert len(found) == tables and min(map(len, found)) > 5
    for row in (row for rows in found for row in rows):
        files = re.findall(r"\]\(\.\./([^)]*\.py)\)", row.split("|")[-2])
        assert files and all((ROOT / file).is_file() for file in files), row


def test_every_folder_of_results_is_described():
    described = (ROOT / "results" / "README.md").read_text("utf-8")
    for folder in (p.name for p in (ROOT / "results").iterdir() if p.is_dir()):
        assert f"`{folder}`" in described, folder


def test_pictures_are_drawn_again_from_committed_records(tmp_path):
    paper = redraw.sources(ROOT / "experiments" / "paper" / "results")
    assert {f"mnist-{n}.png" for n in ("base", "relu")} | {"cifar10.png"} <= set(paper)
    assert set(redraw.sources(ROOT / "results" / "digits")) == {"curves.png"}
    source = paper["quadratic-uniform.png"]
    redraw.draw(source, tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes().startswith(b"\x89PNG")
    summary = redraw.from_records(source).summary()
    report = (source.parent / "report.md").read_text("utf-8")
    section = report[: report.index("quadratic-uniform.png")].rpartition("\n## ")[2]
    for row in summary:
        assert f"{row.train_loss.median:.3g} (" in section, row.contestant.optimizer
