"""The main job of an adaptive search: say, ask and train by generations, conclude, hand over."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dse.analysis.search import TABLE_NOTE, SearchSummary, table_row
from dse.architecture.cost import cost
from dse.errors import UserError
from dse.jobs.conclude import STUDIES, logs_of, place_of
from dse.jobs.conclude_search import SearchConclusion, load_search
from dse.jobs.exported import best_sentence
from dse.jobs.survey import describe_proxy, machine_text, make_console
from dse.proxy.load import load_proxy
from dse.space import load_space
from dse.space.describe.words import shapes_text
from dse.store.database import store_exists
from dse.store.lock import store_lock
from dse.store.store import Store
from dse.store.target import Place, Target, parse_target
from dse.study.asked import parse_share
from dse.study.crew import make_crew
from dse.study.launching import Launching
from dse.study.plan import Survey
from dse.study.progress import make_progress
from dse.study.sampling import make_sampler, measure_here
from dse.study.search.board import OptunaBoard
from dse.study.search.loop import retrain, run
from dse.study.search.objectives import parse_objectives
from dse.study.search.plan import Search
from dse.study.search.rungs import rungs
from dse.study.search.store_trainings import StoreTrainings
from dse.study.search.warm import Warm, find_warm
from dse.units import CONVENTION


def search_job(
    *,
    search: str,
    store: Place | None,
    study: str | None,
    top: int,
    warm_start: str,
    launching: Launching | None = None,
    **asked: Any,
) -> SearchConclusion:
    """Do a whole search, or what is still missing of it; arguments as `dse run` has them.

    `asked` are those of `make_search`.

    Raises:
        UserError: an argument, a file or the store is not usable; nothing was started.
    """
    launching = launching or Launching()
    plan = make_search(algorithm=search, **asked)
    console = make_console()
    target = parse_target(store or _default_store(plan), study=study or plan.name)
    before = find_warm(plan, target, warm_start)
    plan = replace(plan, warm=before.note)
    _require_possible(plan, target)
    with store_lock(target):
        with Store.open(target, create=True) as opened:
            opened.create_study(plan.record())
            plan = replace(plan, networks=max(plan.networks, opened.networks()))
        _announce(plan, before, target, launching, console)
        _train(plan, before, target, launching, console)
        conclusion = load_search(target)
        _hand_over(conclusion, top, console)
    return conclusion


def make_search(
    *,
    algorithm: str,
    space: str,
    models: int,
    proxy: str,
    repeat: str,
    generation: int,
    objective: Sequence[str],
    pruner: str,
    **options: Any,
) -> Search:
    """What the arguments ask for; `options` are those of `dse.study.sampling.make_sampler`.

    Raises:
        UserError: an argument or a file is not usable.
    """
    sampler = make_sampler(load_space(space), **options)
    return Search(
        sampler=sampler,
        proxy=load_proxy(proxy),
        proxy_name=Path(proxy).stem,
        networks=models,
        algorithm=algorithm,
        generation=generation,
        objectives=parse_objectives(objective),
        pruner=pruner,
        repeat=parse_share(repeat),
        measure=measure_here(sampler.budget),
    )


def _train(
    plan: Search, before: Warm, target: Target, launching: Launching, console: Console
) -> None:
    """Ask and train generation after generation, then the best once more from fresh seeds."""
    progress = make_progress(console)
    with (
        Store.open(target) as store,
        closing(_board(plan, before, target, console)) as board,
        make_crew(store, launching, logs=logs_of(place_of(store)), progress=progress) as crew,
    ):

        def drain() -> None:
            planned = plan.networks + plan.finalists
            progress.announced = max(0, planned - store.counts().total)
            crew.drain()

        trainings = StoreTrainings(store, plan, drain)
        found = run(plan, trainings, board, warm=before.found)
        retrain(plan, found, trainings)
        store.clear_checkpoints(stopped=True)


def _board(plan: Search, before: Warm, target: Target, console: Console) -> OptunaBoard:
    assert target.study is not None
    return OptunaBoard(
        target.url,
        plan,
        study=target.study,
        warm=before.found,
        warn=lambda text: console.print(f"warning: {text}", markup=False, highlight=False),
    )


def _default_store(plan: Search) -> str:
    """The file of the survey of the same space, budget and proxy."""
    survey = Survey(sampler=plan.sampler, proxy=plan.proxy, proxy_name=plan.proxy_name)
    return str(STUDIES / f"{survey.name}.db")


def _require_possible(plan: Search, target: Target) -> None:
    """Make sure that the proxy can train networks, and that the store has no other such study.

    Raises:
        UserError: it is not so.
    """
    network = plan.sampler.sample(0).architecture.scaled(plan.proxy.channels)
    try:
        cost(network, resolution=plan.proxy.resolution)
    except UserError as error:
        raise UserError(f"proxy: {error}") from None
    if store_exists(target):
        with Store.open(target, read_only=True) as store:
            store.require_study(plan.record())


def _announce(
    plan: Search, before: Warm, target: Target, launching: Launching, console: Console
) -> None:
    """Say what will be done, and where the results go."""
    space = plan.space
    epochs = ", ".join(map(str, rungs(plan.pruner, plan.proxy.epochs)))
    stops = f"; {plan.pruner} after epochs {epochs}" if epochs else ""
    warm = (
        f"{len(before.found)} trainings of the survey {before.note['study']}" if before.note else ""
    )
    facts = {
        "Space": f"{space.name} ({space.hash}): {space.dimension} free choices, "
        f"{shapes_text(space.log10_size)} shapes",
        "Budget": f"{plan.budget}; {CONVENTION}",
        "Search": f"{plan.algorithm} for the least {', '.join(plan.objectives)}: {plan.networks} "
        f"networks in generations of {plan.generation}{stops}; then the best {plan.finalists} with "
        "a fresh seed",
        "Begins with": warm or "nothing known",
        "Proxy": describe_proxy(plan.proxy),
        "Machine": machine_text(launching),
        "Results": f"{target} (store), study {target.study}",
    }
    table = Table.grid(padding=(0, 2))
    for name, fact in facts.items():
        table.add_row(Text(name, style="bold"), Text(fact))
    console.print(table)


def _hand_over(conclusion: SearchConclusion, top: int, console: Console) -> None:
    """Print the conclusion; write the best networks.

    Raises:
        UserError: they cannot be written; the store is complete all the same.
    """
    summary = conclusion.summary
    console.print()
    for sentence in summary.sentences:
        console.print(sentence, highlight=False, markup=False)
    if not summary.ranked:
        return
    console.print(_best_table(summary, top))
    exported = conclusion.write_export(top=top)
    console.print(best_sentence(exported, conclusion.store, top), highlight=False, markup=False)


def _best_table(summary: SearchSummary, top: int) -> Table:
    rows = [table_row(row, summary.objectives) for row in summary.rows[:top]]
    table = Table(
        title="Best networks of the search: held-out error by seed",
        title_justify="left",
        caption=TABLE_NOTE,
        caption_justify="left",
    )
    for name in rows[0]:
        table.add_column(name, justify="right", overflow="fold")
    for row in rows:
        table.add_row(*map(str, row.values()))
    return table
