"""Headless Chromium, by Playwright."""

import contextlib
import io
import pathlib
import shutil

from PIL import Image
from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# A machine in use takes its time.
MILLISECONDS = 240_000


@contextlib.contextmanager
def opened(url, width=1280, height=900):
    """Yields `(page, asked)`: a Playwright page, and all that it fetched, or complained of.

    Raises:
        RuntimeError: If there is no Chromium.
    """
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise RuntimeError(f"Chromium is needed: apt install chromium. Received: none of {NAMES}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            page, asked = browser.new_page(viewport={"width": width, "height": height}), []
            page.set_default_timeout(MILLISECONDS)
            page.on("request", lambda request: asked.append(request.url))
            page.on("pageerror", lambda error: asked.append(str(error)))
            page.goto(url)
            yield page, asked
        finally:
            browser.close()


def save_screenshot(page, path, full_page=False):
    """Write what a page shows as a small PNG of at most 128 colours."""
    shot = page.screenshot(full_page=full_page, timeout=MILLISECONDS)
    picture = Image.open(io.BytesIO(shot)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, optimize=True)
