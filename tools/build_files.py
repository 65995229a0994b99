"""Writes the BUILD files: one Bazel target for every module, package and test.

python tools/build_files.py

Dependencies are those that the modules import. A module that reads files beside it
(it mentions `__file__`) gets the data of its directory, a test that does so all files.
"""

import ast
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
TREES = ("l2l_tf", "tests", "examples", "benchmarks", "experiments", "tools")
# Trees of files that may be run as they are.
PROGRAMS = ("examples", "benchmarks", "experiments", "tools")
FIRST_LINE = "# Written by `make build-files`."
# What stands in no directory of its own: README.md, docs/ and so on.
ROOT_FILES = 'glob(["*", ".ci/**", "docs/**", "findings/**", "results/**"], exclude = ["bazel-*"])'


def build_files(root=ROOT):
    """All BUILD files.

    Args:
        root: Directory of the repository.

    Returns:
        Dict path (relative, with "/") → text.

    Raises:
        ValueError: If modules import each other in a circle.
    """
    root = pathlib.Path(root)
    modules = modules_of(root)
    imports = {path: imported(root, path, modules) for path in modules.values()}
    _refuse_circles(imports)
    directories = {}
    for path in sorted(imports):
        directories.setdefault(path.rpartition("/")[0], []).append(path)
    written = {}
    for directory, paths in directories.items():
        targets = [_target(root, path, imports[path]) for path in paths]
        files = _call("filegroup", name="files", srcs=_Code('glob(["**"])'))
        exported = [_exports("run_pytest.py")] if directory == "tests" else []
        written[f"{directory}/BUILD"] = _text([*exported, *targets, files])
    subpackages = [f"//{directory}:files" for directory in sorted(directories)]
    everything = _Code(f"{ROOT_FILES} + {_value(subpackages)}")
    written["BUILD"] = _text(
        [_exports("pyproject.toml"), _call("filegroup", name="files", srcs=everything)]
    )
    return written


def modules_of(root):
    """Dict dotted name → path of every module, as imports name them."""
    found = {}
    for tree in TREES:
        for path in sorted((root / tree).rglob("*.py")):
            relative = path.relative_to(root)
            parts = list(relative.with_suffix("").parts)
            if parts[0] == "tests" and not path.stem.endswith("_test"):
                parts = parts[1:]  # Tests import each other's files from tests/.
            if parts[-1] == "__init__":
                parts = parts[:-1]
            found[".".join(parts)] = relative.as_posix()
    return found


def imported(root, path, modules):
    """Sorted paths of the modules that a module imports when it runs, anywhere in it."""
    names = set()
    for node in _running(ast.parse((pathlib.Path(root) / path).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names.add(inner if inner in modules else node.module)
    return sorted({modules[n] for n in names if n in modules} - {path})


def _running(node):
    """All nodes of a tree but those that type checkers alone read."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _running(child)


def _refuse_circles(imports):
    done, open_paths = set(), []

    def visit(path):
        if path in open_paths:
            circle = [*open_paths[open_paths.index(path) :], path]
            raise ValueError(f"Modules import in a circle. Received: {' → '.join(circle)}")
        if path not in done:
            open_paths.append(path)
            for other in imports[path]:
                visit(other)
            open_paths.pop()
            done.add(path)

    for path in imports:
        visit(path)


def _label(path):
    directory, _, file = path.rpartition("/")
    name = file.removesuffix(".py")
    return f"//{directory}" if name == "__init__" else f"//{directory}:{name}"


def _target(root, path, imports):
    directory, _, file = path.rpartition("/")
    name = file.removesuffix(".py")
    deps = [_label(other) for other in imports]
    reads_files = "__file__" in (root / path).read_text("utf-8")
    if file.endswith("_test.py"):
        conftests = [p for p in ("tests/conftest.py",) if (root / p).is_file()]
        return _call(
            "py_test",
            name=name,
            size="large",
            srcs=[file, "//tests:run_pytest.py"],
            main="//tests:run_pytest.py",
            args=[f"$(location {file})"],
            data=["//:files"] if reads_files else ["//:pyproject.toml"],
            deps=sorted({*deps, *map(_label, conftests)}),
        )
    if name != "__init__" and directory.partition("/")[0] in PROGRAMS:
        return _call("py_binary", name=name, srcs=[file], deps=deps)
    name = directory.rpartition("/")[2] if name == "__init__" else name
    data = _Code('glob(["**"], exclude = ["**/*.py", "BUILD"])') if reads_files else []
    return _call("py_library", name=name, srcs=[file], data=data, deps=deps)


class _Code(str):
    """Text that stands in a BUILD file as it is."""


def _value(value):
    if isinstance(value, _Code):
        return str(value)
    if isinstance(value, str):
        return f'"{value}"'
    if len(value) == 1:
        return f'["{value[0]}"]'
    return "[\n" + "".join(f'        "{item}",\n' for item in value) + "    ]"


def _call(rule, **arguments):
    lines = [f"    {k} = {_value(v)},\n" for k, v in arguments.items() if v]
    return f"{rule}(\n{''.join(lines)})\n"


def _exports(file):
    return f'exports_files(["{file}"])\n'


def _text(targets):
    visibility = 'package(default_visibility = ["//visibility:public"])\n'
    return "\n".join([FIRST_LINE + "\n", visibility, *targets])


def main():
    """Write what has changed, and remove BUILD files of directories that are gone."""
    wanted = build_files()
    for tree in TREES:
        for path in (ROOT / tree).rglob("BUILD"):
            if path.relative_to(ROOT).as_posix() not in wanted:
                path.unlink()
                print(f"removed {path.relative_to(ROOT)}")
    for name, text in wanted.items():
        path = ROOT / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"wrote {name}")


if __name__ == "__main__":
    sys.exit(main())
