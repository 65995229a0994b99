"""Runs one test file under Bazel, which starts a program and knows nothing of pytest."""

import sys

import pytest

if __name__ == "__main__":
    code = pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]])
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        # Right where every test is a slow one, which `make test-slow` runs; else an error.
        code = pytest.main(["-q", "--collect-only", "-m", "slow", sys.argv[1]])
    sys.exit(code)
