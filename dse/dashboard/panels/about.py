"""How each number is made, and where the numbers come from."""

from __future__ import annotations

from dse.dashboard import markup
from dse.dashboard.labels import COUNTING
from dse.dashboard.method import method as sentences
from dse.dashboard.panels.base import Block, Options, Section, each_study
from dse.dashboard.view import StudyData, View


def method(view: View, options: Options) -> Section | None:
    """The method of every sample; once where it is the same."""
    told: list[tuple[str, ...]] = []
    for study in view.samples:
        assert study.summary is not None
        said = sentences(study.summary.finalist_share, elsewhere=study.kind == "imported")
        if said not in told:
            told.append(said)
    if not told:
        return None
    return Section(title="Method", blocks=[*map(markup.bullets, told)], kind="method")


def provenance(view: View, options: Options) -> Section | None:
    """Where the numbers come from."""
    return Section(title="Provenance", blocks=each_study(view, _facts, samples=False))


def _facts(study: StudyData) -> list[Block]:
    convention = {} if study.kind == "imported" else {"counting convention": COUNTING}
    return [markup.facts({**convention, **study.provenance})]
