"""Two studies of the same networks under two proxies, and what their comparison says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse.analysis.fidelity import Fidelity, fidelity
from dse.analysis.fidelity_text import fidelity_sentences
from dse.analysis.summary import EMBEDDED_SENTENCE
from dse.dashboard.fidelity_page import write_fidelity_page
from dse.errors import UserError
from dse.jobs.conclude import STUDIES, Conclusion, is_database, load_conclusion, outputs_of
from dse.jobs.survey import check_store, main_job
from dse.space import Budget
from dse.store.plain import flatten
from dse.store.target import Place, Target, parse_target
from dse.study.asked import make_survey
from dse.study.caution import sampling_caution
from dse.study.launching import Launching
from dse.study.plan import random_repeats


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two studies that differ in their proxy alone, and how far they agree.

    Attributes:
        cheap: the study by which one would choose.
        dear: the study by which the choice is judged.
        found: the numbers.
        sentences: what they say, and what they rest on.
    """

    cheap: Conclusion
    dear: Conclusion
    found: Fidelity
    sentences: tuple[str, ...]

    def write_page(self, output: str | Path | None = None) -> Path:
        """Write the offline HTML page, by default beside the dear store.

        Raises:
            UserError: it cannot be written, would overwrite a store, or is no HTML file.
        """
        path = Path(output) if output else outputs_of(self.dear.place)[0]
        path = path if output else path.with_suffix(".fidelity.html")
        require_page(path)
        budget = Budget.from_dict(self.dear.study.budget)
        return write_fidelity_page(
            self.found,
            self.sentences,
            title=f"Fidelity of a proxy: {self.dear.study.space_name} at {budget}",
            names=(self.cheap.study.name, self.dear.study.name),
            changed=proxy_changes(self.cheap, self.dear),
            provenance={
                "space": f"{self.dear.study.space_name} ({self.dear.study.space_hash})",
                "budget": str(budget),
                "seed": self.dear.study.seed,
                "sampling": self.dear.study.design.get("sampling", {}),
                "cheap": {"store": str(self.cheap.store), "proxy": self.cheap.study.proxy},
                "dear": {"store": str(self.dear.store), "proxy": self.dear.study.proxy},
                **self.dear.study.provenance,
            },
            path=path,
        )


def fidelity_job(
    *,
    space: str,
    models: int,
    cheap: str,
    dear: str,
    repeat: str,
    store_cheap: str | None,
    store_dear: str | None,
    launching: Launching | None = None,
    top: int = 5,
    **options: Any,
) -> Comparison:
    """Do both studies, or what is still missing of them, and compare them.

    They are two ordinary main jobs, which differ in nothing but the proxy: each can be killed,
    resumed, extended and reported by itself.

    Raises:
        UserError: an argument, a file or a store is not usable; nothing was started.
    """
    studies = []
    for proxy, store in ((cheap, store_cheap), (dear, store_dear)):
        survey = make_survey(
            space=space, models=models, proxy=proxy, repeat=repeat, options=options
        )
        target = parse_target(store or STUDIES / f"{survey.name}.db")
        studies.append((survey, check_store(survey, target)))
    (first, cheap_store), (second, dear_store) = studies
    if first.proxy == second.proxy:
        raise UserError(
            f"--cheap {cheap} and --dear {dear} are the same proxy: there is nothing to compare."
        )
    if cheap_store == dear_store or _same_file(cheap_store, dear_store):
        raise UserError(
            f"{cheap_store}: is the store of both studies; give --store-cheap or --store-dear."
        )
    for proxy, target in ((cheap, cheap_store), (dear, dear_store)):
        main_job(
            space=space,
            models=models,
            proxy=proxy,
            repeat=repeat,
            store=target,
            launching=launching,
            top=top,
            **options,
        )
    return compare_stores(cheap_store, dear_store)


def compare_stores(cheap: Place, dear: Place) -> Comparison:
    """Compare two stores, finished or not.

    Raises:
        UserError: one is not usable, or they differ in more than their proxy, or not even in that.
    """
    first, second = load_conclusion(cheap), load_conclusion(dear)
    for each in (first, second):
        if each.study.kind == "imported":
            raise UserError(
                f"{each.store}: {each.study.name!r} was measured elsewhere, under no proxy that is "
                "known here: fidelity is that of two surveys."
            )
    require_comparable(first, second)
    subsets = tuple(
        random_repeats(each.study.design["repeat"], int(each.population["index"].nunique()))
        for each in (first, second)
    )
    found = fidelity(first.population, second.population, random_subsets=(subsets[0], subsets[1]))
    notes = [sampling_caution(second.study.design)]
    if first.summary.embedded or second.summary.embedded:
        notes.append(EMBEDDED_SENTENCE)
    sentences = fidelity_sentences(found, tuple(note for note in notes if note))
    return Comparison(cheap=first, dear=second, found=found, sentences=sentences)


def require_comparable(cheap: Conclusion, dear: Conclusion) -> None:
    """Make sure that two studies have the same networks and different proxies.

    Raises:
        UserError: they have not; the sentence says what differs.
    """
    a, b = cheap.study, dear.study
    where = f"{cheap.store} and {dear.store}"
    there, here = (
        flatten({"seed": s.seed, "budget": s.budget, "sampling": s.design.get("sampling", {})})
        for s in (a, b)
    )
    differences = []
    if a.space_hash != b.space_hash:
        differences.append(
            f"space is {a.space_name} ({a.space_hash[:12]}) there and {b.space_name} "
            f"({b.space_hash[:12]}) here"
        )
    differences += [
        f"{key} is {there.get(key)} there and {here.get(key)} here"
        for key in sorted(there.keys() | here.keys())
        if there.get(key) != here.get(key)
    ]
    if differences:
        raise UserError(f"{where}: do not hold the same networks: {'; '.join(differences)}.")
    networks = [
        dict(zip(each.population["index"], each.population["architecture"], strict=True))
        for each in (cheap, dear)
    ]
    for index in sorted(networks[0].keys() & networks[1].keys()):
        if networks[0][index] != networks[1][index]:
            raise UserError(f"{where}: do not hold the same networks: network {index} differs.")
    if a.proxy == b.proxy:
        raise UserError(f"{where}: were trained under the same proxy: nothing to compare.")


def _same_file(a: Target, b: Target) -> bool:
    return a.path is not None and b.path is not None and a.path.resolve() == b.path.resolve()


def proxy_changes(cheap: Conclusion, dear: Conclusion) -> dict[str, tuple[Any, Any]]:
    """What differs between the two proxies: key to cheap and dear value."""
    there, here = flatten(cheap.study.proxy), flatten(dear.study.proxy)
    keys: Sequence[str] = sorted(there.keys() | here.keys())
    return {key: (there.get(key), here.get(key)) for key in keys if there.get(key) != here.get(key)}


def require_page(path: Path) -> None:
    """Make sure that a page may be written there.

    Raises:
        UserError: it is a store, or its name is not that of an HTML file.
    """
    if path.suffix not in (".html", ".htm"):
        raise UserError(f"-o {path}: give a name that ends in .html.")
    if is_database(path):
        raise UserError(f"{path}: is a store; name another file for the page.")
