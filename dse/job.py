"""The main job: say, sample, train, remember, conclude, hand over."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dse.analysis.ranking import Ranked
from dse.analysis.summary import interval, percent
from dse.architecture.cost import cost
from dse.conclude import STUDIES, Conclusion, load_conclusion
from dse.errors import UserError
from dse.proxy.device import default_workers, device_name, pick_device, pick_dtype
from dse.proxy.recipe import Proxy, load_proxy
from dse.space import Budget, Sample, load_space
from dse.store.engine import store_path
from dse.store.lock import store_lock
from dse.store.store import Store
from dse.study.estimate import seconds_per_training
from dse.study.launch.local import LocalWorkers
from dse.study.mirror import mirror
from dse.study.plan import Survey, candidate_record
from dse.study.progress import make_progress
from dse.units import CONVENTION, format_duration


def main_job(
    *,
    space: str,
    budget: str,
    tolerance: str,
    resolution: int,
    seed: int,
    models: int,
    proxy: str,
    repeat: str,
    store: str | None,
    workers: int | None,
    top: int,
) -> Conclusion:
    """Do a whole study, or what is still missing of it; arguments as `dse run` has them.

    Raises:
        UserError: an argument, a file or the store is not usable; nothing was started.
    """
    survey = Survey(
        space=load_space(space),
        budget=Budget.parse(budget, tolerance=tolerance, resolution=resolution),
        proxy=load_proxy(proxy),
        seed=seed,
        models=models,
        repeat=parse_share(repeat),
    )
    target = store_path(store) if store else STUDIES / f"{survey.name}.db"
    console = make_console()
    samples = sample_all(survey)  # whatever can be refused is, before anything is written
    with store_lock(target):
        survey, samples = enlist(survey, samples, target, console)
        crew = workers or default_workers(pick_device())
        announce(survey, samples, target, crew, console)
        train_all(survey, target, crew, console)
        conclusion = load_conclusion(target)
        mirror(target, conclusion.study, conclusion.population)
    hand_over(conclusion, top, console)
    return conclusion


def enlist(
    survey: Survey, samples: list[Sample], target: Path, console: Console
) -> tuple[Survey, list[Sample]]:
    """Put the study, its networks and its trainings into the store; what is there stays.

    A store that holds more networks already makes the survey as large as that.

    Raises:
        UserError: the store is of another study, or not usable.
    """
    with Store.open(target, create=True) as store:
        stored = store.study()
        if stored is not None:
            survey.require_same_space(stored, target)
        store.create_study(survey.record())
        more = store.networks()
        if more > survey.models:
            console.print(f"{target} holds {more} networks already; all of them are concluded on.")
            survey = dataclasses.replace(survey, models=more)
            samples = sample_all(survey)
        store.add_candidates(candidate_record(sample) for sample in samples)
        store.add_trials(survey.first_trials())
    return survey, samples


def sample_all(survey: Survey) -> list[Sample]:
    """Draw all networks and make sure that the proxy can train them.

    Raises:
        UserError: the budget cannot be met, or the proxy's images are too small for the stages.
    """
    proxy, samples = survey.proxy, list(survey.sampler.samples(survey.models))
    try:
        for sample in samples:
            cost(sample.architecture.scaled(proxy.channels), resolution=proxy.resolution)
    except UserError as error:
        raise UserError(f"proxy: {error}") from None
    return samples


def train_all(survey: Survey, target: Path, crew: int, console: Console) -> None:
    """Train whatever waits: first seeds and random second seeds, then the best ones' second seeds.

    Raises:
        UserError: the workers cannot work, for want of disk or memory.
    """
    device = str(pick_device())
    with Store.open(target) as store:
        progress = make_progress(console, announced=survey.unknown_repeats(store.population()))
        with LocalWorkers(target, workers=crew, device=device, progress=progress) as workers:
            workers.drain()
            store.add_trials(survey.best_repeats(store.population()))
            progress.announced = 0
            workers.drain()


def announce(
    survey: Survey, samples: list[Sample], target: Path, crew: int, console: Console
) -> None:
    """Say what will be done, for how long, and where the results go."""
    space, proxy, device = survey.space, survey.proxy, pick_device()
    draws = len(samples) + sum(len(sample.refusals) for sample in samples)
    with Store.open(target) as store:
        missing = store.counts().waiting + store.counts().running
        missing += survey.unknown_repeats(store.population())
    facts = {
        "Space": f"{space.name} ({space.hash}): {space.dimension} free choices, "
        f"10^{space.log10_size:.1f} shapes; the widths are solved for the budget",
        "Budget": f"{survey.budget}; {CONVENTION}",
        "Networks": f"{survey.models} in the window by construction "
        f"({len(samples)} of {draws} drawn shapes could meet it)",
        "Proxy": describe_proxy(proxy),
        "Trainings": f"{missing or 'none'} left to do: each network once; the best "
        f"{survey.random_repeats} and {survey.random_repeats} random ones with a second seed",
        "Machine": f"{device_name(device)}, {str(pick_dtype(device)).removeprefix('torch.')}, "
        f"{crew} {'worker' if crew == 1 else 'workers'}",
        "Results": f"{target} (store), {target.with_suffix('.html')} (report), "
        f"{target.with_suffix('.best')} (best networks)",
    }
    table = Table.grid(padding=(0, 2))
    for name, fact in facts.items():
        table.add_row(Text(name, style="bold"), fact)
    console.print(table)
    if missing:
        with console.status("preparing the data and measuring the speed of this machine"):
            each = seconds_per_training([s.architecture for s in samples], proxy, device)
        total = each * math.ceil(missing / crew)
        console.print(f"Estimated time: {format_duration(total)} ({each:.0f} s a training).")


def describe_proxy(proxy: Proxy) -> str:
    """The four reductions and the recipe in a line."""
    recipe = proxy.recipe
    return (
        f"{proxy.channels:.3g} of the channels, {proxy.resolution} px, {proxy.images:,} images of "
        f"{proxy.dataset.classes} {proxy.dataset.source} classes, {proxy.epochs} epochs = "
        f"{proxy.steps} steps of {recipe.batch_size}; AdamW {recipe.learning_rate:g}, warm-up and "
        "cosine"
    )


def hand_over(conclusion: Conclusion, top: int, console: Console) -> None:
    """Print the conclusion; write the report and the best networks.

    Raises:
        UserError: they cannot be written; the store is complete all the same.
    """
    console.print()
    for sentence in conclusion.summary.sentences:
        console.print(sentence, highlight=False, markup=False)
    console.print(best_table(conclusion.summary.best[:top]))
    report = conclusion.write_report()
    exported = conclusion.write_export(top=top)
    console.print(f"Report: {report}\nBest networks: {exported[0].parent}", highlight=False)


def best_table(best: Sequence[Ranked]) -> Table:
    """The best networks with what is known of their errors."""
    table = Table(title="Best networks: held-out error by seed", title_justify="left")
    for name in ("rank", "network", "first", "fresh", "mean", "95 % interval"):
        table.add_column(name, justify="right")
    table.add_column("depths  dims  kernel sizes", overflow="fold")
    for ranked in best:
        a = ranked.architecture
        shape = "  ".join("-".join(map(str, a[k])) for k in ("depths", "dims", "kernel_sizes"))
        table.add_row(
            str(ranked.rank),
            str(ranked.index),
            percent(ranked.first_error),
            "" if ranked.fresh_error is None else percent(ranked.fresh_error),
            percent(ranked.mean_error),
            interval(ranked.mean_interval) if ranked.mean_interval else "",
            shape,
        )
    return table


def make_console() -> Console:
    """Stdout; where it is no terminal, wide enough for the tables."""
    return Console(width=None if sys.stdout.isatty() else 120)


def parse_share(text: str) -> float:
    """Read "25%" as 0.25; "0%" and "100%" are allowed.

    Raises:
        UserError: it is not a percentage from 0 to 100.
    """
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        share = math.nan
    if not text.strip().endswith("%") or not 0 <= share <= 1:
        raise UserError(f"--repeat {text!r}: write a percentage from 0% to 100%.")
    return share
