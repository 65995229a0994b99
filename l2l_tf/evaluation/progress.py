"""The bar that shows how many runs are done."""

import contextlib
import importlib.util


class _NoBar:
    """What is left of a progress bar that nobody wants to see."""

    def update(self):
        pass

    def set_postfix_str(self, text):
        pass


@contextlib.contextmanager
def progress_bar(wanted, total, **options):
    """A tqdm bar over runs, or what looks like one.

    Args:
        wanted: Whether to show it, where tqdm is installed.
        total: Number of runs.
        **options: Further arguments of tqdm.
    """
    if not wanted or importlib.util.find_spec("tqdm") is None:
        yield _NoBar()
        return
    from tqdm import tqdm

    with tqdm(total=total, unit="run", smoothing=0.05, **options) as bar:
        yield bar
