"""The page's engine in a browser, without a page: its functions, called with plain data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dse.dashboard.page import script


class Engine:
    """The engine's functions; what they say is checked against Python's."""

    def __init__(self, browser: Any) -> None:
        self.page = browser.new_page()
        self.page.set_content("<main></main>")
        self.page.add_script_tag(content=script())

    def call(self, body: str, *given: Any) -> Any:
        """What `body`, a function's, returns for `given`; numbers JSON lacks come as texts."""
        names = ", ".join("abcdef"[: len(given)])
        plain = """(key, v) => typeof v === 'number' && !Number.isFinite(v) ? String(v)
          : ArrayBuffer.isView(v) ? [...v] : v instanceof Map ? Object.fromEntries(v) : v"""
        found = self.page.evaluate(
            f"async ([{names}]) => JSON.stringify(await (async () => {{ {body} }})(), {plain})",
            list(given),
        )
        return None if found is None else json.loads(found)


@contextmanager
def engine(browser: Any) -> Iterator[Engine]:
    """An engine of its own."""
    opened = Engine(browser)
    yield opened
    opened.page.close()
