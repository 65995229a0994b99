"""What the documentation site is made of: all pages, and all that they link to."""

import pathlib
import pkgutil
import re

import pytest

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


def test_search_works_without_a_server_and_asks_no_other():
    """The plugin puts the index into a script; the worker that reads it is of this repository."""
    menu = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert re.search(r"^  - offline$", menu, re.MULTILINE)
    assert re.findall(r"polyfills: \[(.*)\]", menu) == ["docs/iframe-worker.js"]
    assert "docs/iframe-worker.js" in site.FIRST
    assert not re.search(r"https?://", menu)


@pytest.mark.slow
def test_a_worker_answers_where_pages_are_files(tmp_path):
    from tools import browser

    shim = (ROOT / "docs" / "iframe-worker.js").read_text("utf-8")
    (tmp_path / "shim.js").write_text(shim)
    (tmp_path / "more.js").write_text("self.tenfold = (x) => 10 * x;")
    (tmp_path / "worker.js").write_text(
        "addEventListener('message', async (event) => {"
        "await importScripts(new URL('more.js', parent.location));"
        "postMessage(tenfold(event.data)); });"
    )
    (tmp_path / "index.html").write_text(
        "<body><script src='shim.js'></script><script>const worker = new Worker('worker.js');"
        "worker.addEventListener('message', (e) => { document.title = e.data; });"
        "worker.postMessage(7);</script></body>"
    )
    with browser.opened((tmp_path / "index.html").as_uri()) as (page, _):
        page.wait_for_function("document.title === '70'")


def test_screenshots_are_small():
    pictures = list((ROOT / "docs" / "pictures").iterdir())
    assert pictures and all(path.stat().st_size < 200_000 for path in pictures)
