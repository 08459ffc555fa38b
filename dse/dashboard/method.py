"""How each number of a report is made, for the end of the page."""

from __future__ import annotations

METHOD = (
    "Networks are independent draws from the design space within its FLOPs budget; they are the "
    "sample, and every n counts networks, not trainings.",
    "Errors are of the last epoch on held-out data, never of the best epoch.",
    "Diverged, out-of-memory and failed trainings are counted as worse than every error. Networks "
    "that are still running or waiting are not counted yet.",
    "EDF: F(e) = (1/n) Σ 1[eᵢ < e] (Radosavovic et al. 2020). Band: Dvoretzky-Kiefer-Wolfowitz "
    "with Massart's constant, simultaneous for all errors, valid for any distribution.",
    "Quartiles: inverse EDF, with exact binomial intervals between order statistics (Conover "
    "1999); a bound may be infinite where n is small or many trainings ended badly.",
    "Share better than the best: 1 - α^(1/n), exact for independent draws (Wilks 1941).",
    "Two seeds: the best quarter by the first seed is trained again to correct the winner's "
    "curse, and so is the first quarter by index, which is a random sample. The ICC and the seed "
    "noise use only the latter: chosen networks differ less and their first errors are lucky, "
    "which would bias both.",
    "ICC(1,1): one-way random effects with the exact F interval (Shrout & Fleiss 1979); seed "
    "standard deviation with the chi-square interval; both assume normal noise of one size. The "
    "test images are the same for all, so their sampling is not part of the noise.",
    "Ranking: finalists (best quarter by the first seed, trained again) by the mean over their "
    "seeds, then the others, those that ended badly last. The fresh-seed error is unbiased for a "
    "finalist chosen by its first seed; picking the very best of them again is slightly "
    "optimistic.",
    "All networks of a study share one learning rate and schedule. It does not suit all norms and "
    "activations equally well, so a difference between them is partly one of the rate.",
    "At chance: accuracy not above 1/classes by a one-sided exact binomial test at 1 %.",
    "Means by level: Student's t intervals over the networks that have an error. Rank "
    "correlation: Spearman's ρ, Fisher's z with the standard error of Bonett & Wright (2000), "
    "networks without an error tied for the worst rank. No correction for the number of panels: "
    "about one in twenty of these intervals misses by chance.",
)
