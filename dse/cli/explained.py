"""The verb that says what matters."""

from __future__ import annotations

import math
from typing import Any

import click

from dse.cli.options import JSON
from dse.cli.show import show
from dse.cli.study import STUDY

TOP = 15
"""So many of the pairs are shown; `--json` has all."""
TITLES = {
    "importance": "What matters",
    "effects": "What each value does",
    "interactions": "What matters together",
    "good_values": "Where the best networks lie",
    "ranges": "A narrower space",
}


@click.command()
@click.argument("store", metavar="[STORE]", required=False)
@STUDY
@click.option("--write-space", default=None, metavar="FILE", help="Write the narrower space.")
@JSON
def explain(store: str | None, study: str | None, write_space: str | None, as_json: bool) -> None:
    """Say which parameters of a survey matter, which values are good, and propose a narrower space.

    The file of --write-space extends the present space: run it, explain it, and so on. What was
    imported is explained likewise, by the choices that its file tells, but for the new file.
    """
    from dse.analysis.factors.explanation import NOTES
    from dse.jobs.conclude import newest_store
    from dse.jobs.explain import explain_survey

    explained = explain_survey(store or newest_store(), name=study)
    written = explained.write_space(write_space) if write_space else None
    rows = explained.found.rows()
    if as_json:
        show(rows, as_json, title="")
    else:
        for sentence in explained.sentences:
            click.echo(sentence)
        for table, title in TITLES.items():
            listed = [table_row(row) for row in rows if row["table"] == table]
            if listed:
                click.echo()
                show(listed[: TOP if table == "interactions" else None], as_json, title=title)
                click.echo(NOTES[table])
        click.echo(f"\n{rows[-1]['sentence']}")
    if written:
        click.echo(f"space: {written}", err=True)


def table_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row for people: what it is about, its main numbers, and what it says."""
    if row["table"] == "importance":
        share = row["variance_share"] or {}
        shown = {
            "parameter": row["name"],
            "n": row["n"],
            "share of the order": _interval(share),
            "PED-ANOVA": f"{row['ped_anova']:.3f}",
            "fANOVA": "" if row["fanova"] is None else f"{row['fanova']:.3f}",
        }
    elif row["table"] == "effects":
        shown = {
            "parameter": row["name"],
            "value": row["level"],
            "n": row["n"],
            "bad": row["bad"],
            "mean error": _interval(row["mean"]),
            "as sampled": _interval(row["as_sampled"], sign="+"),
            "others held": _interval(row["held"], sign="+"),
        }
    elif row["table"] == "interactions":
        shown = {"parameters": " × ".join(row["names"]), "n": row["n"]}
        shown |= {"size": _interval(row["size"]), "p corrected": f"{row['corrected']:.2g}"}
    elif row["table"] == "good_values":
        shown = {"parameter": row["name"], "n": row["n"], "draws": row["draws"]}
        shown["effective n"] = f"{row['effective_n']:.1f}"
    else:
        shown = {"parameter": row["name"], "left out": ", ".join(row["left_out"])}
    return shown | {"says": row["sentence"]}


def _interval(found: dict[str, Any] | None, sign: str = "") -> str:
    """Value and bounds in per cent."""
    if not found:
        return ""
    value, *bounds = (100 * float(found[key]) for key in ("value", "lower", "upper"))
    if not all(map(math.isfinite, bounds)):
        return f"{value:{sign}.1f} % [no limits]"
    return f"{value:{sign}.1f} % [{bounds[0]:{sign}.1f}, {bounds[1]:{sign}.1f}]"
