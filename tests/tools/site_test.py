"""What the documentation site is made of: all pages, and all that they link to."""

import pathlib
import pkgutil
import re

from tools import site

ROOT = pathlib.Path(__file__).parents[2]


def test_the_site_is_laid_out_as_the_repository_is(tmp_path):
    site.lay_out(tmp_path)
    pages = {path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")}
    copied = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.md")}
    assert pages <= copied
    for page in copied:
        text = re.sub(r"```.*?```|`[^`\n]*`", "", (tmp_path / page).read_text("utf-8"), flags=re.S)
        for target in re.findall(r"\]\((?![a-z]+:|#)([^)\s#]+)", text):
            assert (tmp_path / page.parent / target).is_file(), f"{page}: {target}"


def test_every_page_of_the_docs_and_the_api_is_in_the_menu():
    menu = (ROOT / "mkdocs.yml").read_text("utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        assert page.relative_to(ROOT).as_posix() in menu
    for name, (_, _, members) in site.API.items():
        assert f"api/{name}.md" in menu
        for member in members:
            assert pkgutil.resolve_name(member), member


def test_screenshots_are_small():
    pictures = list((ROOT / "docs" / "pictures").iterdir())
    assert pictures and all(path.stat().st_size < 200_000 for path in pictures)
