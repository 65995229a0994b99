"""Lays out what the documentation site is built from: pages of the repository and all they link to.

python -m tools.site build/site/source

The copy mirrors the repository, so that a link means the same on the site and in a checkout. For
each module of API there is a page, filled by mkdocstrings from docstrings. `make docs` runs this
and then MkDocs (mkdocs.yml), where a broken link is an error.
"""

import pathlib
import re
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
FIRST = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs",
    "docs/site.css",
    "docs/iframe-worker.js",
    "results",
)
# Page → (heading, text, names).
API = {
    "optimizer": (
        "The optimizer",
        "What a user of Keras needs.",
        (
            "l2l_tf.LearnedOptimizer",
            "l2l_tf.OptimizerSummaries",
            "l2l_tf.RunLength",
        ),
    ),
    "presets": ("Presets", "Rules with weights, by name or directory.", ("l2l_tf.presets",)),
    "rules": (
        "Rules",
        "The contract, and every rule. [Overview](../docs/rules.md).",
        ("l2l_tf.rules.base", "l2l_tf.rules"),
    ),
    "tasks": (
        "Tasks",
        "What rules are meta-trained on.",
        ("l2l_tf.tasks.base", "l2l_tf.tasks"),
    ),
    "meta": (
        "Meta-training",
        "From tasks to a rule's weights. [Guide](../docs/meta-training.md).",
        ("l2l_tf.meta", "l2l_tf.meta.callbacks"),
    ),
    "evaluation": (
        "Evaluation",
        "Fair comparisons. [Guide](../docs/evaluation.md).",
        ("l2l_tf.evaluation",),
    ),
    "export": ("Export", "Models that train on elsewhere.", ("l2l_tf.export",)),
    "testing": ("Testing", "Laws for rules and tasks of your own.", ("l2l_tf.testing",)),
}
_LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def lay_out(target):
    """Write pages, what they link to, and the API's pages; replaces the directory.

    Args:
        target: Directory.
    """
    target = pathlib.Path(target)
    shutil.rmtree(target, ignore_errors=True)
    waiting = [p for first in FIRST for p in _pages(ROOT / first)]
    seen = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        copy = target / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix != ".md":
            shutil.copy(path, copy)
            continue
        text = path.read_text("utf-8")
        copy.write_text(_with_links_to_files(text, path), "utf-8")
        waiting += [there for _, there in _links(text, path)]
    for name, (heading, about, members) in API.items():
        page = target / "api" / f"{name}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text("\n\n".join([f"# {heading}", about, *(f"::: {m}" for m in members)]) + "\n")


def _pages(path):
    return sorted(path.glob("**/*.md")) if path.is_dir() else [path]


def _links(text, page):
    """Pairs of a relative link, as it is written, and the file that it leads to."""
    for match in _LINK.finditer(_CODE.sub("", text)):
        written = match.group(2).partition("#")[0]
        if not written or re.match(r"[a-z]+:", written):
            continue
        there = (page.parent / written).resolve()
        if there.is_dir():
            there = there / "README.md"
        if there.is_file() and there.is_relative_to(ROOT):
            yield written, there


def _with_links_to_files(text, page):
    """The text, with a link to a directory leading to its README."""
    folders = {written for written, there in _links(text, page) if there.name == "README.md"}
    folders = {f for f in folders if not f.endswith(".md")}

    def change(match):
        before, written, after = match.groups()
        return f"{before}{written.rstrip('/')}/README.md{after}" if written in folders else match[0]

    return _LINK.sub(change, text)


if __name__ == "__main__":
    lay_out(*sys.argv[1:])
