"""A study while it runs: how far it is, who works on it, what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dse.dashboard import markup
from dse.dashboard.figures.progress import progress_figure
from dse.dashboard.panels.base import Block, Options, Plot, Section, each_study
from dse.dashboard.view import StudyData, View
from dse.units import format_duration

MOST_REASONS = 20
BAD = ("diverged", "out_of_memory", "failed")


def progress(view: View, options: Options) -> Section | None:
    """Trainings that have ended by time, what is left, and how long that takes."""
    blocks = each_study(view, _progress, samples=False)
    if not blocks:
        return None
    return Section(
        title="Progress",
        blocks=blocks,
        note="Every training counts, later seeds too. The time that is left is that of all "
        "trainings known so far at the throughput of the last hour; it has no interval, and "
        "finalists that are still to be chosen are not in it.",
    )


def workers(view: View, options: Options) -> Section | None:
    """Who trains what, who is not heard of any more, and which trainings failed and why."""
    blocks = each_study(view, _workers, samples=False)
    return Section(title="Workers and failures", blocks=blocks) if blocks else None


def _progress(study: StudyData) -> list[Block]:
    status, landings = study.status, study.landings
    blocks: list[Block] = [markup.tiles(_tiles(status))] if status else []
    if landings["finished"].notna().any():
        total = status.get("total") if status else None
        ended = int(landings["finished"].notna().sum())
        described = f"Trainings ended by time and state, {ended:,} so far"
        described += f" of {total:,}." if total else "."
        figure = progress_figure(landings, total)
        blocks.append(Plot(name="", figure=figure, described=described))
    return blocks


def _tiles(status: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    bad = [f"{status[state]:,} {state.replace('_', ' ')}" for state in BAD if status[state]]
    bad += [f"{status['stopped']:,} stopped"] if status["stopped"] else []
    left = status["running"] + status["waiting"]
    tiles = [
        ("Trained to the end", f"{status['done']:,} of {status['total']:,}", ", ".join(bad)),
        (
            "To come",
            f"{left:,}",
            f"{status['running']:,} under way, {status['waiting']:,} waiting",
        ),
    ]
    rate, window = status["throughput_per_hour"], status["throughput_window_seconds"]
    if left and rate is not None:
        small = f"n = {status['throughput_n']:,} in {format_duration(window)}"
        tiles.append(("Throughput", f"{rate:,.0f} an hour", small))
    if left:
        eta = status["eta_seconds"]
        about = "not known" if eta is None else f"about {format_duration(eta)}"
        small = "none ended in the last hour" if eta is None else "at that throughput"
        tiles.append(("Time left", about, small))
    return tiles


def _workers(study: StudyData) -> list[Block]:
    status = study.status
    if not status:
        return []
    blocks = [markup.paragraph(_crew(status))]
    flights = status.get("flights", [])
    if flights:
        columns = {
            "Worker": "text",
            "Training": "text",
            "Since": "",
            "Step": "",
            "Loss": "",
            "State": "text",
        }
        blocks.append(markup.table("Trainings under way", columns, map(_flight, flights)))
    failures = status["failures"]
    if failures:
        rows = [
            (failure["n"], failure["state"].replace("_", " "), failure["reason"] or "not told")
            for failure in failures[:MOST_REASONS]
        ]
        bad = sum(failure["n"] for failure in failures)
        rest = len(failures) - len(rows)
        more = f" The {MOST_REASONS} most frequent reasons of {len(failures)}." if rest else ""
        ended = status["done"] + status["stopped"] + sum(status[state] for state in BAD)
        blocks.append(markup.paragraph(f"{bad:,} of {ended:,} trainings ended badly.{more}"))
        columns = {"Trainings": "", "State": "text", "Reason": "text wrap"}
        blocks.append(markup.table("Reasons", columns, rows))
    return list(blocks)


def _crew(status: Mapping[str, Any]) -> str:
    here, lost = len(status["workers"]), len(status["stale_workers"])
    words = f"{here} worker{'s' * (here != 1)} at work" if here else "No worker is at work"
    if lost:
        words += (
            f"; {lost} {'is' if lost == 1 else 'are'} not heard of any more, and what "
            f"{'it' if lost == 1 else 'they'} trained is taken by another"
        )
    return f"{words}."


def _flight(flight: Mapping[str, Any]) -> tuple[str, ...]:
    number = flight["network"]
    what = f"network {number}" if number >= 0 else f"reference {-number}"
    return (
        flight["worker"],
        f"{what}, seed {flight['replicate'] + 1}",
        format_duration(flight["seconds"]),
        f"{flight['step']:,} of {flight['steps']:,}" if flight["steps"] else "–",
        "–" if flight["loss"] is None else f"{flight['loss']:.3f}",
        "not heard of any more" if flight["overdue"] else "at work",
    )
