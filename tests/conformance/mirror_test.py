"""`tests/` has the folders of what it tests."""

import pathlib

ROOT = pathlib.Path(__file__).parents[2]
TESTS = ROOT / "tests"
# Trees beside the package whose tests have a folder of the tree's name.
TREES = ("benchmarks", "experiments", "tools")
# What tests share, and what holds for the whole repository.
SHARED = {"conformance", "data", "goldens", "helpers"}


def folders(root, having):
    """Folders below a root, relative to it, that have a file of some pattern beside `__init__`."""
    found = (p.parent.relative_to(root) for p in root.rglob(having) if p.name != "__init__.py")
    return {p.as_posix() for p in found} - {"."}


def test_every_folder_of_the_package_has_one_with_its_tests():
    missing = folders(ROOT / "l2l_tf", "*.py") - folders(TESTS, "*_test.py")
    assert not missing, f"no tests for l2l_tf/{sorted(missing)}"


def test_every_folder_of_tests_is_one_of_what_they_test():
    known = {*folders(ROOT / "l2l_tf", "*.py"), *TREES}
    unknown = {
        name for name in folders(TESTS, "*_test.py") if name.partition("/")[0] not in SHARED
    } - known
    assert not unknown, f"tests/{sorted(unknown)} is no folder of the package"
