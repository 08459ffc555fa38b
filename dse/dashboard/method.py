"""How each number of a report is made, for the end of the page."""

from __future__ import annotations

from dse.analysis.ranking import ranking_note


def method(share: float, *, elsewhere: bool = False) -> tuple[str, ...]:
    """The method in sentences, where `share` of the networks was trained again, twice over.

    Of what was measured `elsewhere` it is not known how it was trained.
    """
    if elsewhere:
        return (_ELSEWHERE, *_BEFORE[2:], *_RELIABILITY, ranking_note(share), _AFTER[-1])
    return (*_BEFORE, _second_seeds(share), *_RELIABILITY, ranking_note(share), *_AFTER)


def _second_seeds(share: float) -> str:
    if share <= 0:
        return "Each network was trained with one seed; the seed noise is not measured."
    if share >= 1:
        return "Two seeds: every network was trained again, so nothing was selected for it."
    part = f"{100 * share:g} %"
    return (
        f"Two seeds: the best {part} by the first seed are trained again to correct the winner's "
        f"curse, and so are the first {part} by index, which are a random sample. The ICC and the "
        "seed noise use only the latter: chosen networks differ less and their first errors are "
        "lucky, which would bias both."
    )


_ELSEWHERE = (
    "The networks were measured elsewhere. Every interval takes them for independent draws from "
    "the space that they stand for, and every error for that of one whole training; every n counts "
    "networks, not trainings."
)
_BEFORE = (
    "Networks are independent draws from the design space within its FLOPs budget; they are the "
    "sample, and every n counts networks, not trainings.",
    "Errors are of the last epoch on held-out data, never of the best epoch.",
    "Diverged, out-of-memory and failed trainings are counted as worse than every error. Networks "
    "that are still running or waiting are not counted yet.",
    "EDF: F(e) = (1/n) Σ 1[eᵢ < e] (Radosavovic et al. 2020). Band: equal local levels "
    "(Aldor-Noiman et al. 2013), simultaneous for all errors, valid for any distribution.",
    "Quartiles: inverse EDF, with intervals between interpolated order statistics (Nyblom "
    "1992); a bound may be infinite where n is small or many trainings ended badly.",
    "Share of further draws better than the best: 1 - α^(1/n), exact for independent draws (Wilks "
    "1941).",
)
_RELIABILITY = (
    "ICC(1,1): one-way random effects with the exact F interval (Shrout & Fleiss 1979); seed "
    "standard deviation with the chi-square interval, without networks that are at chance with "
    "every seed; both assume normal noise of one size. The test images are the same for all, so "
    "their sampling is not part of the noise.",
)
_AFTER = (
    "All networks of a study share one learning rate and schedule. It does not suit all norms and "
    "activations equally well, so a difference between them is partly one of the rate.",
    "At chance: accuracy not above 1/classes by a one-sided exact binomial test at 1 %.",
    "Means by level: Student's t intervals over the networks that have an error. Rank "
    "correlation: Spearman's ρ, Fisher's z with the standard error of Bonett & Wright (2000), "
    "networks without an error tied for the worst rank. No correction for the number of panels: "
    "about one in twenty of these intervals misses by chance.",
)
