"""Data sets and weights out of packages, for machines that reach registries and nothing else."""

from tools.offline_data.preparation import prepare
from tools.offline_data.sources import SOURCES, Source

__all__ = ["SOURCES", "Source", "prepare"]
