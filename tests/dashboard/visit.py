"""One page opened in a real browser."""

from __future__ import annotations

import time
from pathlib import Path


class Visit:
    """One opened page and everything it complained about or asked for.

    With `whole`, figures that are out of view are drawn too.
    """

    def __init__(
        self,
        browser,
        path: Path,
        *,
        width: int = 1280,
        scheme: str = "light",
        fragment: str = "",
        whole: bool = True,
    ) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda m: self.complaints.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("dialog", lambda d: self.complaints.append(f"dialog: {d.message}"))
        self.page.goto(path.as_uri() + fragment)
        self.page.wait_for_selector(f"html[data-drawn={scheme}]", timeout=60_000)
        if whole:
            self.evaluate("dse.figures.all()")

    def evaluate(self, script: str):
        return self.page.evaluate(script)

    def see(self, place: str) -> None:
        """Scroll there and wait until it is drawn, if it is a figure."""
        self.evaluate(f"document.querySelector('{place}').scrollIntoView({{block: 'center'}})")
        if place.startswith("#plot"):
            self.page.wait_for_selector(f"{place} .nsewdrag", state="attached")
        self.page.wait_for_timeout(150)

    def until(self, condition: str, seconds: float = 20) -> None:
        """Wait until the condition holds; Playwright's own way is against the page's policy."""
        end = time.monotonic() + seconds
        while not self.evaluate(condition):
            assert time.monotonic() < end, f"never: {condition}"
            self.page.wait_for_timeout(20)
