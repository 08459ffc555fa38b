"""`dse serve`: the live page of studies, for as long as it is wanted."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

from dse.errors import UserError
from dse.jobs.shown import find_studies
from dse.jobs.watching import WatchedStore, WatchedStores
from dse.store.target import Place, Target, split_study

NEEDED = ("dash", "dash_ag_grid", "waitress")


def serve_job(
    stores: Sequence[Place],
    *,
    studies: Sequence[str] = (),
    dashboard: str = "live",
    host: str = "127.0.0.1",
    port: int = 8050,
    token: str | None = None,
) -> None:
    """Show studies on a page that follows them, until Ctrl-C. Nothing is written to their stores.

    Raises:
        UserError: a store cannot be read, the address is taken, or the app is not installed.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError("`dse serve` needs Dash: python -m pip install 'dse[serve]'")
    from dse.dashboard.app.guard import make_guard
    from dse.dashboard.app.pages import Pages
    from dse.dashboard.app.server import listen, make_app
    from dse.dashboard.app.value import app_value
    from dse.dashboard.spec import load_dashboard

    guard = make_guard(host, port, token)
    source = WatchedStores(watched(stores, studies))

    shown = load_dashboard(dashboard)
    pages = Pages(source, lambda view: app_value(view, shown))
    server = listen(make_app(source, pages, guard, title="dse"), host, port)
    source.start()
    pages.start()
    query = f"?{urlencode({'token': guard.token})}" if guard.token else ""
    name = f"[{host}]" if ":" in host else host
    print(f"http://{name}:{server.effective_port}/{query}", flush=True)
    print("Ctrl-C ends it; the studies go on without it.", flush=True)
    try:
        server.run()
    finally:
        pages.stop()
        source.stop()


def watched(stores: Sequence[Place], studies: Sequence[str]) -> list[WatchedStore]:
    """The stores of what is asked for: each `STORE::NAME` or `STORE`, and names in any of them.

    Where no name is given, all studies of a store are shown, also those that come later.

    Raises:
        UserError: a store cannot be read, or none has one of the names.
    """
    targets = [split_study(str(store)) for store in stores]
    if not studies and all(name is None for _, name in targets):
        return [WatchedStore(store) for store in dict.fromkeys(text for text, _ in targets)]
    names: dict[Target, list[str]] = {}
    for target in find_studies(stores, studies):
        names.setdefault(replace(target, study=None), []).append(str(target.study))
    return [WatchedStore(place, each) for place, each in names.items()]
