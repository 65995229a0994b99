"""Counts how the code is built, now and at earlier commits, as a Markdown table.

python -m tools.house            # the working tree
python -m tools.house d98120f^ HEAD
"""

import ast
import itertools
import pathlib
import subprocess
import sys
import tarfile
import tempfile

from tools import build_files

ROOT = pathlib.Path(__file__).resolve().parents[1]
# One of each kind, by its names: files that have them in their code are those that a new one of
# its kind touches.
ONE_OF_EACH = {
    "rule": {"RNNProp", "rnnprop"},
    "task": {"RowRNN", "row_rnn"},
    "baseline": {"nadam", "Nadam"},
    "estimator": {"PersistentEvolutionStrategies", "pes", "sigma"},
    "setting": {"clip_norm"},
}
# Written by a program, not by hand.
GENERATED = {"l2l_tf/core/flag_names.py", "l2l_tf/core/help_texts.py"}


def counts(root):
    """What is counted of a tree of files: dict description → text.

    Args:
        root: Directory of the repository, or of a copy of it at some commit.
    """
    root = pathlib.Path(root)
    modules = build_files.modules_of(root)
    imports = {path: build_files.imported(root, path, modules) for path in modules.values()}
    package = sorted(path for path in imports if path.startswith("l2l_tf/"))
    sources = {path: (root / path).read_text("utf-8") for path in package}
    trees = {path: ast.parse(text) for path, text in sources.items()}
    rooms = {}
    for path, others in imports.items():
        if not path.startswith("tests/"):
            rooms.setdefault(room(path), set()).update(
                room(o) for o in others if room(o) != room(path)
            )
    length, longest = max(function_lengths(trees))
    typed = [is_typed(function) for function in public_functions(trees)]
    found = {
        "lines of the package": f"{sum(text.count(chr(10)) for text in sources.values()):,}",
        "longest function, lines": f"{length} (`{longest}`)",
        "arrows back up": str(back_up(rooms)),
        "rooms in circles": str(len(in_circles(rooms))),
        "files in circles": str(len(in_circles(imports))),
        "rules and cells: files side by side, folders of families": flatness(package),
        "public functions and methods with types": f"{sum(typed)} of {len(typed)}",
    }
    by_hand = {path: set(words(tree)) for path, tree in trees.items() if path not in GENERATED}
    for kind, names in ONE_OF_EACH.items():
        named = [path for path, found_in in by_hand.items() if names & found_in]
        found[f"files that name one {kind}"] = str(len(named))
    return found


def words(tree):
    """Names in the code of a module, and its strings; what is told in prose is none of them."""
    for node in ast.walk(tree):
        for field in ("id", "attr", "name", "arg", "value"):
            word = getattr(node, field, None)
            if isinstance(word, str):
                yield word


def room(path):
    """Where a file lives: a folder or file of the package, or another tree."""
    parts = pathlib.PurePosixPath(path).parts
    return "/".join(parts[:2]).removesuffix(".py") if parts[0] == "l2l_tf" else parts[0]


def flatness(package):
    """Files directly in `rules/` and `cells/`, and folders in these: text."""
    inside = [p.split("/")[1:] for p in package if p.split("/")[1] in ("rules", "cells")]
    files = [parts for parts in inside if len(parts) == 2 and parts[1] != "__init__.py"]
    return f"{len(files)}, {len({parts[1] for parts in inside if len(parts) > 2})}"


def back_up(graph):
    """Arrows that point up however nodes are put one above another: the fewest of any order."""
    circles = in_circles(graph)
    return min(
        sum(b in graph[a] for at, a in enumerate(order) for b in order[:at])
        for order in itertools.permutations(circles)
    )


def in_circles(graph):
    """Set of the nodes that lead back to themselves."""

    def after(node):
        found, waiting = set(), list(graph.get(node, ()))
        while waiting:
            other = waiting.pop()
            if other not in found:
                found.add(other)
                waiting += graph.get(other, ())
        return found

    return {node for node in graph if node in after(node)}


def function_lengths(trees):
    """Pairs `(lines, name)` of all functions."""
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield node.end_lineno - node.lineno + 1, f"{path.rpartition('/')[2]}: {node.name}"


def exports(path, tree):
    """Names in the `__all__` of a package."""
    for node in tree.body if path.endswith("__init__.py") else ():
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            yield from ast.literal_eval(node.value)


def public_functions(trees):
    """Functions that packages export, and methods of classes that they export.

    Constructors, overrides, and methods of the classes that these derive from are among them.
    """
    public = {name for path, tree in trees.items() for name in exports(path, tree)}
    nodes = [node for tree in trees.values() for node in tree.body]
    classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
    waiting = [classes[name] for name in public if name in classes]
    while waiting:
        bases = {getattr(base, "id", None) for base in waiting.pop().bases} - public
        public |= bases
        waiting += [classes[name] for name in bases if name in classes]
    for node in nodes:
        if getattr(node, "name", None) in public:
            yield from filter(_is_public, node.body if isinstance(node, ast.ClassDef) else [node])


def _is_public(node):
    if not isinstance(node, ast.FunctionDef):
        return False
    return node.name[0] != "_" or node.name in ("__init__", "__call__")


def is_typed(function):
    """Whether every argument of a function and what it returns have a type."""
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    named = [a for a in arguments if a.arg not in ("self", "cls")]
    returns = function.returns is not None or function.name == "__init__"
    return returns and all(a.annotation for a in named)


def at_commit(commit, directory):
    """The files of a commit, unpacked into a directory."""
    archive = pathlib.Path(directory) / "commit.tar"
    subprocess.run(["git", "archive", "-o", str(archive), commit], cwd=ROOT, check=True)
    with tarfile.open(archive) as file:
        file.extractall(directory, filter="data")
    return pathlib.Path(directory)


def main(commits):
    columns = {}
    for commit in commits:
        with tempfile.TemporaryDirectory() as directory:
            columns[f"`{commit}`"] = counts(at_commit(commit, directory))
    if not commits:
        columns["now"] = counts(ROOT)
    print("| | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for row in next(iter(columns.values())):
        print(f"| {row} | " + " | ".join(found[row] for found in columns.values()) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
