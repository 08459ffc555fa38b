"""How quick is the live page (`dse serve`) with 10,000 and with 100,000 trials?

    python benchmarks/dashboards_app.py [--trials 10000 100000]

Fills an SQLite store with trials (networks drawn from spaces/convnext_space.yaml, errors by a
formula of their choices), serves it by `dse serve` in a process of its own, and opens it in a real
Chromium without a cache. By the browser's own clock, from the beginning of the navigation:

- `first_text`: the first contentful paint;
- `first_figure`: the first figure is drawn and painted (`live` shows the EDF in the first screens;
  the window is tall enough for it);
- `all`: the table of networks has rows too;

and from the moment that a selection is made:

- `brushing`: the EDF in view has the selection's own curve and is painted, `n` different
  selections, of which every second is a range of errors and the others also choose a stem;
- `table`: the table shows the selection's rows, which come from the server.

`appears`: seconds from the commit of a training's result until the page names it. `reading` are the
seconds that `dse serve` takes until it answers. Of several times the median is given, with the
least and the greatest. Targets (at 10,000): first paint 2 s, brushing 200 ms, appears 3 s. Writes
benchmarks/results/dashboards_app.json.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dse.store.records import EpochResult, TrialRecord, TrialResult
from dse.store.store import Store
from dse.study.asked import make_survey
from dse.study.plan import candidate_record

HERE = Path(__file__).parent
RESULT = HERE / "results" / "dashboards_app.json"
SIZES = (10_000, 100_000)
DISTINCT = 5_000
EPOCHS = 10
VISITS = 5
BRUSHINGS = 20
LANDINGS = 5
TARGETS = {"first_figure_s": 2.0, "brushing_ms": 200.0, "appears_s": 3.0}
VERSIONS = ("dash", "dash-ag-grid", "plotly", "waitress", "pandas", "sqlalchemy", "playwright")
FINISH = (
    """UPDATE dse_trials SET state = 'complete', train_loss = 1.2, seconds = 60,
    test_images = 2000, classes = 20, device = 'cpu', dtype = 'float32', learning_rate = 0.002,
    micro_batch = 64, finished = datetime('2026-01-01', '+' || id || ' seconds') || '.000000',
    error = (SELECT round(2000 * min(0.95, max(0.05, 0.55 - 0.05 * ln(c.params / 28e6)
      - 0.03 * (json_extract(c.architecture, '$.stem') = 'patch')
      + 0.15 * ((dse_trials.id * 7919 % 10007) / 10007.0 - 0.5)))) / 2000
      FROM dse_candidates c
      WHERE c.study_id = dse_trials.study_id AND c."index" = dse_trials."index")
    WHERE id <= (SELECT max(id) FROM dse_trials) - :left""",
    "INSERT INTO dse_epochs (trial_id, epoch, step, train_loss, error, grad_norm) WITH RECURSIVE "
    f"e(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM e WHERE n < {EPOCHS}) SELECT t.id, n, 46 * n, "
    f"2.5 / n, t.error + (0.95 - t.error) * (1 - n / {EPOCHS}.0) * (1 - n / {EPOCHS}.0), 1.0 "
    "FROM dse_trials t CROSS JOIN e WHERE t.state = 'complete'",
)
BRUSH = """async ([share, stem]) => {
  const errors = dse.page.studies[0].table.get("error").values.filter(Number.isFinite).sort();
  const [low, high] = [errors[0], errors[Math.floor(share * (errors.length - 1))]];
  const plot = document.getElementById("plot-edf");
  const painted = new Promise((done) => plot.once("plotly_afterplot",
    () => requestAnimationFrame(() => setTimeout(done, 0))));
  const filter = new Map([["error", [low, high]]]);
  if (stem) filter.set("arch.stem", [stem]);
  const began = performance.now();
  await dse.page.select(filter);
  await painted;
  const took = performance.now() - began;
  const n = dse.page.selected();
  const shown = plot.querySelector(".legend").textContent;
  if (!shown.includes(`selected, n = ${n.toLocaleString("en-US")}`)) throw new Error(shown);
  const until = async (is) => { while (!is()) await new Promise(requestAnimationFrame); };
  const api = dash_ag_grid.getApi("networks");
  await until(() => api.getDisplayedRowCount() === n && (!n || api.getDisplayedRowAtIndex(0).data));
  return [took, performance.now() - began, n];
}"""
PAINTED = """() => {
  window.marks = {};
  const mark = (name) => requestAnimationFrame(
    () => setTimeout(() => { marks[name] ??= performance.now(); }, 0));
  new MutationObserver(() => {
    if (document.querySelector(".plot .main-svg .scatterlayer path")) mark("figure");
    if (document.querySelector(".ag-row [col-id=index] a")) mark("rows");
  }).observe(document, { childList: true, subtree: true });
}"""


def fill(path: Path, trials: int, *, left: int) -> None:
    """A store with a survey of so many networks, all finished but the `left` last."""
    survey = make_survey(
        space=str(HERE.parent / "spaces" / "convnext_space.yaml"),
        models=trials,
        proxy="embedded",
        repeat="25%",
        options={"budget": "4.5GFLOPs", "seed": 0},
    )
    drawn = list(map(candidate_record, survey.sampler.samples(min(trials, DISTINCT))))
    with Store.open(path, create=True) as store:
        store.create_study(survey.record())
        store.add_candidates(
            replace(drawn[index % len(drawn)], index=index, hash=str(index))
            for index in range(trials)
        )
        store.add_trials(TrialRecord(index=i, replicate=0, seed=i) for i in range(trials))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.create_function("ln", 1, math.log)
        for statement in FINISH:
            connection.execute(statement, {"left": left} if ":left" in statement else {})


def land(path: Path) -> tuple[int, float]:
    """Let the next training end; its network and the moment of the commit."""
    epochs = tuple(
        EpochResult(epoch=n, step=46 * n, train_loss=2.0, error=0.5) for n in range(1, EPOCHS + 1)
    )
    with Store.open(path) as store:
        claim = store.claim("benchmark")
        assert claim is not None
        result = TrialResult(
            state="complete", error=0.5, train_loss=1.2, epochs=epochs, seconds=60.0,
            test_images=2000, classes=20, device="cpu", dtype="float32",
        )  # fmt: skip
        store.complete(claim, result)
        return claim.index, time.monotonic()


@contextmanager
def served(path: Path) -> Iterator[str]:
    """The address of `dse serve` on a store."""
    command = [sys.executable, "-m", "dse", "serve", str(path), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def visit(browser: Any, address: str) -> tuple[Any, dict[str, float]]:
    """A page opened with an empty cache, and its times [s]."""
    context = browser.new_context(viewport={"width": 1280, "height": 1600})
    page = context.new_page()
    page.add_init_script(f"({PAINTED})()")
    page.goto(address)
    page.wait_for_function("() => marks.figure && marks.rows", timeout=120_000)
    text = page.evaluate(
        "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
    )
    marks = page.evaluate("() => marks")
    times = {"first_text_s": text, "first_figure_s": marks["figure"]}
    times |= {"all_s": max(marks["figure"], marks["rows"])}
    return page, {name: ms / 1000 for name, ms in times.items()}


def median(values: Sequence[float], digits: int) -> dict[str, Any]:
    """The median, with its n and both ends."""
    return {
        "median": round(statistics.median(values), digits),
        "least": round(min(values), digits),
        "greatest": round(max(values), digits),
        "n": len(values),
    }


def brush(page: Any) -> dict[str, Any]:
    """Selections of rising size on one page."""
    page.locator("#plot-edf").scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('#plot-edf .main-svg')")
    rows = []
    for number in range(BRUSHINGS + 1):
        share = (number + 1) / (BRUSHINGS + 1)
        stem = "patch" if number % 2 else None
        rows.append(page.evaluate(BRUSH, [share, stem]))
    rows = rows[1:]  # the first one compiles
    return {
        "brushing_ms": median([took for took, _, _ in rows], 1),
        "table_ms": median([both for _, both, _ in rows], 1),
        "selected": [min(n for *_, n in rows), max(n for *_, n in rows)],
    }


def appears(page: Any, path: Path) -> dict[str, Any]:
    """Seconds from a commit until the page tells of it."""
    found = []
    for _ in range(LANDINGS):
        index, committed = land(path)
        page.wait_for_function(
            "name => document.getElementById('studies').textContent.includes(name)",
            arg=f"network {index} ",
        )
        found.append(time.monotonic() - committed)
        time.sleep(1.3)  # not in step with the page's seconds
    return median(found, 2)


def measure(browser: Any, trials: int) -> dict[str, Any]:
    """All numbers of one size."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.db"
        fill(path, trials, left=LANDINGS)
        began = time.monotonic()
        with served(path) as address:
            reading = time.monotonic() - began
            visits = []
            for _ in range(VISITS):
                page, times = visit(browser, address)
                visits.append(times)
                page.context.close()
            page, _ = visit(browser, address)
            value = page.evaluate("async () => (await fetch('/_dse/page')).json()")
            return {
                "trials": trials,
                "store_bytes": path.stat().st_size,
                "reading_s": round(reading, 2),
                "answered_by": "server" if value["partial"] else "browser",
                **{name: median([v[name] for v in visits], 2) for name in visits[0]},
                **brush(page),
                "appears_s": appears(page, path),
            }


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=SIZES)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        about = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{platform.machine()} {platform.system()}, {os.cpu_count()} cores",
            "nice": os.nice(0),
            "load_average_before": round(os.getloadavg()[0], 1),
            "versions": {
                "python": platform.python_version(),
                "chromium": browser.version,
                **{name: version(name) for name in VERSIONS},
            },
            "targets_at_10000": TARGETS,
        }
        found = [measure(browser, trials) for trials in options.trials]
        browser.close()
    about["load_average_after"] = round(os.getloadavg()[0], 1)
    written = json.dumps(about | {"sizes": found}, indent=2)
    written = re.sub(r"\[\s+(\d+),\s+(\d+)\s+\]", r"[\1, \2]", written)
    print(written)
    if tuple(options.trials) == SIZES:
        RESULT.write_text(written + "\n")


if __name__ == "__main__":
    main()
