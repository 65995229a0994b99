"""Imports go one way: between the trees of the repository, and between their rooms."""

import pathlib

import pytest

from tools import build_files

ROOT = pathlib.Path(__file__).parents[2]
# What each tree may import besides itself.
TREES = {
    "l2l_tf": set(),
    "tools": {"l2l_tf"},
    "benchmarks": {"l2l_tf", "tools"},
    "experiments": {"l2l_tf", "tools"},
    "examples": {"l2l_tf"},
    "tests": {"l2l_tf", "tools", "benchmarks", "experiments"},
}
# What each room of the package may import besides itself. Every new room needs its line.
ROOMS = {
    "version": set(),
    "core": set(),
    "cells": set(),
    "data": {"core"},
    "rules": {"core", "cells"},
    "tasks": {"core", "data"},
    "presets": {"core", "rules"},
    "optimizer": {"core", "rules", "presets"},
    "meta": {"core", "optimizer", "rules", "presets", "tasks"},
    "export": {"core", "rules", "optimizer"},
    "testing": {"core", "rules", "tasks", "meta", "optimizer", "export"},
    "evaluation": {"core", "data", "optimizer", "presets", "rules", "tasks", "version"},
    "cli": {"__init__", "core", "evaluation", "export", "meta", "presets", "rules", "tasks"},
    "__init__": {"core", "optimizer", "presets", "rules", "version"},
}
# What all experiments share lies in `experiments/` itself; no experiment imports another one.
SHARED = "experiments/"


def room(path):
    return pathlib.PurePosixPath(path).parts[1].removesuffix(".py")


def tree(path):
    return path.partition("/")[0]


@pytest.fixture(scope="module")
def imports():
    """Dict path → paths that it imports, of all trees."""
    modules = build_files.modules_of(ROOT)
    return {path: build_files.imported(ROOT, path, modules) for path in modules.values()}


def unused(permissions, seen):
    return {
        name: sorted(allowed - seen.get(name, set()))
        for name, allowed in permissions.items()
        if allowed - seen.get(name, set())
    }


def test_trees_import_one_way(imports):
    seen = {}
    for path, others in imports.items():
        for other in others:
            if tree(other) != tree(path):
                assert tree(other) in TREES[tree(path)], f"{path} may not import {other}"
                seen.setdefault(tree(path), set()).add(tree(other))
    assert not unused(TREES, seen), "a permission that nobody uses"


def test_rooms_of_the_package_import_one_way(imports):
    seen = {}
    for path, others in imports.items():
        if tree(path) != "l2l_tf":
            continue
        assert room(path) in ROOMS, f"{path}: a new room needs its line in ROOMS"
        for other in others:
            if room(other) != room(path):
                assert room(other) in ROOMS[room(path)], f"{path} may not import {other}"
                seen.setdefault(room(path), set()).add(room(other))
    assert not unused(ROOMS, seen), "a permission that nobody uses"


def test_experiments_do_not_import_each_other(imports):
    for path, others in imports.items():
        if not path.startswith(SHARED):
            continue
        folder = path.rpartition("/")[0] + "/"
        for other in others:
            if other.startswith(SHARED):
                shared = other.rpartition("/")[0] + "/" == SHARED
                assert shared or other.startswith(folder), f"{path} may not import {other}"
                assert shared or folder != SHARED, f"{path} is shared and may not import {other}"
