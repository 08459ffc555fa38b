"""The main job: say, sample, train, remember, conclude, hand over."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dse.analysis.ranking import ranking_note
from dse.analysis.summary import Summary, interval, percent
from dse.architecture.cost import Cost, cost
from dse.dashboard.labels import joined
from dse.errors import UserError
from dse.jobs.conclude import STUDIES, Conclusion, load_conclusion, logs_of, outputs_of, place_of
from dse.jobs.exported import best_sentence
from dse.proxy.device import device_name, pick_dtype, torch_device
from dse.proxy.recipe import Proxy
from dse.space import Sample, duplicates
from dse.space.describe.description import feasibility_text, population_text
from dse.space.describe.words import shapes_text
from dse.store.database import store_exists
from dse.store.lock import store_lock
from dse.store.store import Store
from dse.store.target import Place, Target, parse_target
from dse.study.asked import make_survey
from dse.study.crew import make_crew
from dse.study.estimate import seconds_per_training
from dse.study.launching import Launching
from dse.study.mirror import mirror
from dse.study.plan import Survey, candidate_record, stored_samples
from dse.study.progress import make_progress
from dse.study.reference import count_references, reference_records
from dse.units import CONVENTION, format_duration


def main_job(
    *,
    space: str,
    models: int,
    proxy: str,
    repeat: str,
    store: Place | None,
    top: int,
    launching: Launching | None = None,
    study: str | None = None,
    reference: Sequence[str] = (),
    **options: Any,
) -> Conclusion:
    """Do a whole study, or what is still missing of it; arguments as `dse run` has them.

    `options` are those of `dse.study.sampling.make_sampler`.

    Raises:
        UserError: an argument, a file or the store is not usable; nothing was started.
    """
    launching = launching or Launching()
    survey = make_survey(space=space, models=models, proxy=proxy, repeat=repeat, options=options)
    target = parse_target(store or STUDIES / f"{study or survey.name}.db", study=study)
    console = make_console()
    target = check_store(survey, target)  # what can be refused is, before anything is written
    with console.status("building and counting references"):
        references = count_references(
            reference,
            proxy_resolution=survey.proxy.resolution,
            resolution=survey.budget.resolution,
        )
    samples = sample_all(survey, console, target)
    with store_lock(target):
        survey, samples = enlist(survey, samples, target, console)
        enlist_references(survey, references, target)
        announce(survey, samples, target, launching, console)
        train_all(survey, target, launching, console)
        conclusion = load_conclusion(target)
        hand_over(conclusion, top, console)
        show_to_optuna(conclusion, console)
    return conclusion


def check_store(survey: Survey, target: Target) -> Target:
    """Make sure that a store has no such study yet, or the same; the target with its name.

    Raises:
        UserError: the study there is another one, or the store is not usable.
    """
    record, stored = survey.record(), None
    if store_exists(target):
        with Store.open(target, read_only=True) as store:
            stored = store.match(record)
            if stored is not None and stored.kind == record.kind:
                survey.require_same_space(stored, target)
            store.require_study(record)
    return replace(target, study=target.study or (stored or record).name)


def enlist(
    survey: Survey, samples: list[Sample], target: Target, console: Console
) -> tuple[Survey, list[Sample]]:
    """Put the study, its networks and its trainings into the store; what is there stays.

    A store that holds more networks already makes the survey as large as that.

    Raises:
        UserError: the store is of another study, or not usable.
    """
    with Store.open(target, create=True) as store:
        store.create_study(survey.record())
        more = store.networks()
        if more > survey.models:
            say = f"{target} holds {more} networks already; all of them are concluded on."
            console.print(say, markup=False, highlight=False)
            survey = replace(survey, models=more)
            samples = sample_all(survey, console, target)
        store.add_candidates(candidate_record(sample) for sample in samples)
        store.add_trials(survey.first_trials())
    return survey, samples


def enlist_references(survey: Survey, costs: Mapping[str, Cost], target: Target) -> None:
    """Put references and one training of each into the store; what is there stays."""
    with Store.open(target) as store:
        records = reference_records(costs, store.references())
        store.add_candidates(records)
        store.add_trials(survey.trial(record.index, 0) for record in records)


def sample_all(survey: Survey, console: Console, target: Target) -> list[Sample]:
    """Draw all networks and make sure that the proxy can train them.

    Raises:
        UserError: the budget cannot be met, or the proxy's images are too small for the stages.
    """
    proxy, samples = survey.proxy, []
    with console.status("drawing networks") as status:
        for sample in drawn_samples(survey, target):
            try:
                cost(sample.architecture.scaled(proxy.channels), resolution=proxy.resolution)
            except UserError as error:
                raise UserError(f"proxy: {error}") from None
            samples.append(sample)
            if len(samples) % 100 == 0:
                status.update(f"drawing networks: {len(samples)} of {survey.models}")
    return samples


def drawn_samples(survey: Survey, target: Target) -> Iterator[Sample]:
    """The survey's networks; where they depend on measurements, the stored ones as they are."""
    known: dict[int, Sample] = {}
    if survey.budget.measured and store_exists(target):
        with Store.open(target, read_only=True) as store:
            known = stored_samples(store.population())
    if not known:
        return survey.sampler.samples(survey.models)
    numbers = range(survey.models)
    return (known[i] if i in known else survey.sampler.sample(i) for i in numbers)


def train_all(survey: Survey, target: Target, launching: Launching, console: Console) -> None:
    """Train whatever waits: first seeds and random second seeds, then the best ones' second seeds.

    Raises:
        UserError: the workers cannot work, for want of disk or memory.
    """
    with Store.open(target) as store:
        progress = make_progress(console, announced=survey.unknown_repeats(store.population()))
        logs = logs_of(place_of(store))
        with make_crew(store, launching, logs=logs, progress=progress) as crew:
            crew.drain()
            store.add_trials(survey.best_repeats(store.population()))
            progress.announced = 0
            crew.drain()


def announce(
    survey: Survey,
    samples: list[Sample],
    target: Target,
    launching: Launching,
    console: Console,
) -> None:
    """Say what will be done, for how long, and where the results go."""
    space, proxy = survey.space, survey.proxy
    refused = sum((sample.refusals for sample in samples), Counter[str]())
    copies = len(duplicates(samples))
    with Store.open(target) as store:
        missing = store.counts().waiting + store.counts().running
        missing += survey.unknown_repeats(store.population())
        page, folder = outputs_of(place_of(store))
    facts = {
        "Space": f"{space.name} ({space.hash}): {space.dimension} free choices, "
        f"{shapes_text(space.log10_size)} shapes",
        "Budget": f"{survey.budget}; {CONVENTION}",
        "Networks": f"{survey.models} in the window: {population_text(survey.sampler)}"
        + ("" if survey.budget.measured else f"; {feasibility_text(len(samples), refused)}")
        + (f"; {copies} equal an earlier one, and are trained all the same" if copies else ""),
        "Proxy": describe_proxy(proxy),
        "Trainings": f"{missing or 'none'} left to do: each network once; the best "
        f"{survey.random_repeats} and {survey.random_repeats} random ones with a second seed",
        "Machine": machine_text(launching),
        "Results": f"{target} (store), {page} (report), {folder} (best networks)",
    }
    table = Table.grid(padding=(0, 2))
    for name, fact in facts.items():
        table.add_row(Text(name, style="bold"), Text(fact))
    console.print(table)
    if missing and launching.is_local:
        with console.status("preparing the data and measuring the speed of this machine"):
            shapes = [sample.architecture for sample in samples]
            each = seconds_per_training(shapes, proxy, torch_device(launching.device))
        if each is None:
            console.print(
                "The time cannot be estimated: the first networks cannot be trained here."
            )
        else:
            total = format_duration(each * math.ceil(missing / launching.count))
            console.print(f"Estimated time: {total} ({each:.0f} s a training).")


def machine_text(launching: Launching) -> str:
    """Where the trainings are done, and by how many workers."""
    workers = f"{launching.count} {'worker' if launching.count == 1 else 'workers'}"
    if not launching.is_local:
        return f"{workers}, started by {launching.launcher}"
    device = torch_device(launching.device)
    return f"{device_name(device)}, {str(pick_dtype(device)).removeprefix('torch.')}, {workers}"


def describe_proxy(proxy: Proxy) -> str:
    """The four reductions and the recipe in a line."""
    return (
        f"{proxy.channels:.3g} of the channels, {proxy.resolution} px, {proxy.images:,} images of "
        f"{proxy.dataset.classes} {proxy.dataset.name} classes, {proxy.epochs} epochs = "
        f"{proxy.steps} steps of {proxy.recipe.batch_size}; {proxy.recipe.in_words()}"
    )


def show_to_optuna(conclusion: Conclusion, console: Console) -> None:
    """Mirror the trainings for Optuna's tools; a study is as good without."""
    try:
        mirror(conclusion.store, conclusion.study, conclusion.population)
    except UserError as error:
        console.print(f"warning: {error}", markup=False, highlight=False)


def hand_over(conclusion: Conclusion, top: int, console: Console) -> None:
    """Print the conclusion; write the report and the best networks.

    Raises:
        UserError: they cannot be written; the store is complete all the same.
    """
    console.print()
    for sentence in conclusion.summary.sentences:
        console.print(sentence, highlight=False, markup=False)
    if conclusion.summary.best:
        console.print(best_table(conclusion.summary, top))
    console.print(f"Report: {conclusion.write_report()}", highlight=False, markup=False)
    if conclusion.summary.best:
        exported = conclusion.write_export(top=top)
        console.print(best_sentence(exported, conclusion.store, top), highlight=False, markup=False)


def best_table(summary: Summary, top: int) -> Table:
    """The best networks with what is known of their errors."""
    table = Table(
        title="Best networks: held-out error by seed",
        title_justify="left",
        caption=ranking_note(summary.finalist_share),
        caption_justify="left",
    )
    interval_name = f"{100 * summary.confidence:g} % interval"
    for name in ("rank", "network", "first seed", "fresh seed", interval_name, "mean"):
        table.add_column(name, justify="right")
    table.add_column("depths  widths  kernels", overflow="fold")
    for ranked in summary.best[:top]:
        shape = "  ".join(
            joined(ranked.architecture[k]) for k in ("depths", "dims", "kernel_sizes")
        )
        table.add_row(
            str(ranked.rank),
            str(ranked.index),
            percent(ranked.first_error),
            "–" if ranked.fresh_error is None else percent(ranked.fresh_error),
            interval(ranked.fresh_interval) if ranked.fresh_interval else "–",
            percent(ranked.mean_error),
            shape,
        )
    return table


def make_console() -> Console:
    """Stdout; where it is no terminal, wide enough for the tables."""
    return Console(width=None if sys.stdout.isatty() else 120)
