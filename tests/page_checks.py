"""A page in Chromium, and what axe-core finds wrong with it."""

import shutil
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe


@contextmanager
def chromium():
    """Debian's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


def violations(page):
    """Return rule and places of each violation; the page's policy must be bypassed."""
    found = Axe().run(page).response["violations"]
    return [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found]
