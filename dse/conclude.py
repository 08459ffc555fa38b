"""From a store to what a person reads: conclusion, report, export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dse.analysis.summary import EMBEDDED_SENTENCE, Summary, summarise
from dse.dashboard.report import write_report
from dse.errors import UserError
from dse.export.folder import export_networks
from dse.space import Budget
from dse.store.records import StudyRecord
from dse.store.store import Store
from dse.study.plan import random_repeats

STUDIES = Path("studies")


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """Everything that is known of a study, read from its store in one go.

    Attributes:
        store: the store's file.
        study: what was asked.
        population: one row a training.
        curves: one row an epoch of a training.
        summary: what it says.
    """

    store: Path
    study: StudyRecord
    population: pd.DataFrame
    curves: pd.DataFrame
    summary: Summary

    @property
    def report_path(self) -> Path:
        """Where the report goes by default: beside the store."""
        return self.store.with_suffix(".html")

    @property
    def export_path(self) -> Path:
        """Where exports go by default: beside the store."""
        return self.store.with_suffix(".best")

    def write_report(self, output: str | Path | None = None) -> Path:
        """Write the offline HTML report.

        Raises:
            UserError: it cannot be written.
        """
        return write_report(
            self.population,
            self.curves,
            self._provenance(),
            summary=self.summary,
            title=f"{self.study.space_name} at {Budget(**self.study.budget)}",
            path=Path(output) if output else self.report_path,
            resolution=self.study.budget["resolution"],
        )

    def write_export(
        self, output: str | Path | None = None, *, top: int = 5, ids: Sequence[int] = ()
    ) -> list[Path]:
        """Write the `top` best networks, or the networks `ids`, as YAML files.

        Raises:
            UserError: an id is unknown, nothing is finished, or the folder cannot be written.
        """
        indices = list(ids) or [ranked.index for ranked in self.summary.best[:top]]
        if not indices:
            raise UserError(f"{self.store}: no training has finished yet, so there is no best.")
        return export_networks(
            self.population,
            indices,
            output or self.export_path,
            study=self._provenance(),
            caution=EMBEDDED_SENTENCE if self.summary.embedded else None,
        )

    def _provenance(self) -> dict[str, Any]:
        study = self.study
        devices = self.population[["device", "dtype"]].dropna().drop_duplicates()
        return {
            "study": study.name,
            "space": f"{study.space_name} ({study.space_hash})",
            "budget": study.budget,
            "seed": study.seed,
            "design": study.design,
            "proxy": study.proxy,
            "devices": sorted(f"{row.device} in {row.dtype}" for row in devices.itertuples()),
            **study.provenance,
        }


def load_conclusion(target: str | Path, *, top: int | None = None) -> Conclusion:
    """Read a store.

    Args:
        target: the store.
        top: how many of the best networks the summary keeps; all by default.

    Raises:
        UserError: there is no store, or it holds no study.
    """
    with Store.open(target, read_only=True) as store:
        study = store.study()
        if study is None:
            raise UserError(f"{target}: this store holds no study yet; `dse run` starts one.")
        population, curves = store.population(), store.curves()
        path = store.path
    networks = int(population["index"].nunique())
    summary = summarise(
        population,
        random_subset=random_repeats(study.design["repeat"], networks),
        embedded=study.proxy["dataset"]["source"] == "fractals",
        top=networks if top is None else top,
        top_share=study.design["repeat"],
    )
    return Conclusion(
        store=path, study=study, population=population, curves=curves, summary=summary
    )


def newest_store() -> Path:
    """The store that was written last under studies/.

    Raises:
        UserError: there is none.
    """
    stores = sorted(STUDIES.glob("*.db"), key=lambda path: path.stat().st_mtime)
    if not stores:
        raise UserError(f"{STUDIES}/: there is no store (*.db) here; name one.")
    return stores[-1]
