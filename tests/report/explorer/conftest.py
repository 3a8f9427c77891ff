"""A real browser for the explorer's page."""

import os
import shutil
from pathlib import Path

import pytest
from explorer_fields import a_field

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def _executable(playwright):
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or (
        playwright.chromium.executable_path if Path(playwright.chromium.executable_path).is_file() else None
    )


@pytest.fixture(scope="session")
def browser():
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="the page is read back by playwright, which is not installed"
    )
    with sync_api.sync_playwright() as playwright:
        path = _executable(playwright)
        if path is None:
            pytest.skip(f"no browser: none of {', '.join(BROWSERS)} on the PATH, none of playwright's own")
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def opened(browser):
    """Function: the page opened and drawn. `page.asked` is every address that it asked for but itself, `page.wrong`
    what its console complained of."""
    pages = []

    def _open(path, width=1200):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.asked, page.wrong = [], []
        address = path.resolve().as_uri()
        page.on(
            "request",
            lambda request: (
                request.url != address
                and not request.url.startswith("data:")
                and page.asked.append(request.url)
            ),
        )
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on(
            "console",
            lambda message: message.type == "error" and page.wrong.append(message.text),
        )
        page.set_default_timeout(120_000)
        page.goto(address)
        page.wait_for_selector("html[data-ready=yes]", state="attached")
        pages.append(page)
        return page

    yield _open
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def fields():
    return [a_field(seed) for seed in range(3)]


@pytest.fixture(scope="session")
def conditions():
    return ["skewed", "rebalanced"]
