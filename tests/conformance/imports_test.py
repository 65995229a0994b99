"""Imports between rooms go one way."""

import pathlib

from tools import build_files

ROOT = pathlib.Path(__file__).parents[2]
# What each room may import. Every new room needs its line.
MAY_IMPORT = {
    "version": set(),
    "core": set(),
    "cells": set(),
    "data": set(),
    "rules": {"core", "cells"},
    "tasks": {"core", "data"},
    "presets": {"core", "rules"},
    "optimizer": {"core", "rules", "presets"},
    "meta": {"core", "rules", "presets", "tasks"},
    "export": {"rules", "presets", "optimizer"},
    "evaluation": {
        "cells",
        "core",
        "data",
        "optimizer",
        "presets",
        "rules",
        "tasks",
        "version",
    },
}


def room(path):
    return pathlib.PurePosixPath(path).parts[1].removesuffix(".py")


def test_imports_go_one_way():
    modules = {n: p for n, p in build_files.modules_of(ROOT).items() if p.startswith("l2l_tf/")}
    for path in modules.values():
        if room(path) in ("__init__", "cli"):
            continue
        assert room(path) in MAY_IMPORT, f"{path}: a new room needs its line in MAY_IMPORT"
        allowed = MAY_IMPORT[room(path)] | {room(path)}
        for other in build_files.imported(ROOT, path, modules):
            assert room(other) in allowed, f"{path} may not import {other}"
