"""Studies of the ConvNeXt paper's walk: step by step, and what each step adds in any order."""

from __future__ import annotations

import pandas as pd

from dse.analysis.order.conclusion import conclude
from dse.analysis.order.sentences import basis_sentences, share_sentence, step_sentence
from dse.dashboard import markup
from dse.dashboard.figures.order import order_figure
from dse.dashboard.figures.roadmap import roadmap_figure
from dse.dashboard.labels import COUNTING
from dse.dashboard.panels.base import Block, Group, Options, Plot, Section, each_study
from dse.dashboard.steps import FEWEST_ROWS, Walked, walked
from dse.dashboard.view import StudyData, View


def roadmap(view: View, options: Options) -> Section | None:
    """The walk as it was trained, beside what the paper prints."""
    blocks = each_study(view, _roadmap)
    if not blocks:
        return None
    return Section(
        title="The modernization roadmap",
        blocks=blocks,
        note="Each row is the one above with one change, from ResNet (grey) to ConvNeXt (green), "
        "as in Table 10 and Figure 2 of Liu et al. 2022; pale rows are side branches. Full bars "
        "are measured here, hollow ones printed in the paper: ImageNet-1K, 300 epochs, its own "
        "widths, a standard deviation of three seeds. These are different tasks: compare what a "
        "step changes, not the errors. Bars do not begin "
        f"at zero. {COUNTING}.",
    )


def order(view: View, options: Options) -> Section | None:
    """What each step adds, averaged over orders, where all sets of steps were trained."""
    blocks = each_study(view, _order)
    if not blocks:
        return None
    return Section(
        title="Does the order of the steps matter?",
        blocks=blocks,
        note="Bars: the change of the error by a step, the mean over all possible orders (Shapley "
        "1953), with its 95 % interval; to the left is better. Marks: the same step on the paper's "
        "path, as the last and as the first of all, intervals by seed noise alone.",
    )


def _roadmap(study: StudyData) -> list[Block]:
    found = walked(study)
    rows = found.path() if found else pd.DataFrame()
    if found is None or len(rows) < FEWEST_ROWS:
        return []
    at = "the paper's own widths" if found.at_own_widths else "equal cost, widths solved for"
    plots: list[Block] = [
        Group(
            kind="",
            blocks=[
                markup.subheading(f"Measured here, at {at}"),
                Plot(name="measured", figure=roadmap_figure(rows), described=_described(rows)),
            ],
        )
    ]
    printed = _printed(rows)
    if len(printed):
        figure = roadmap_figure(printed, printed=True)
        told = f"The same as the paper prints it. {_described(printed)}"
        plot = Plot(name="printed", figure=figure, described=told)
        heading = markup.subheading("Printed in the paper, at its own widths")
        plots.append(Group(kind="", blocks=[heading, plot]))
    return [Group(kind="pair", blocks=plots), *_noise_words(found, rows)]


def _printed(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows in the paper's numbers."""
    known = rows[rows["printed_error"].notna()]
    return known.assign(
        error=known["printed_error"],
        lower=known["printed_error"] - known["printed_std"],
        upper=known["printed_error"] + known["printed_std"],
        flops=1e9 * known["printed_gflops"],
        n=3,
    )


def _described(rows: pd.DataFrame) -> str:
    steps = ", ".join(
        f"{name} {100 * error:.1f} %"
        for name, error in zip(rows["name"], rows["error"], strict=True)
    )
    return f"Error step by step: {steps}."


def _noise_words(found: Walked, rows: pd.DataFrame) -> list[Block]:
    n = sorted(set(rows["n"].tolist()))
    trainings = f"{n[0]}" if len(n) == 1 else f"{n[0]} to {n[-1]}"
    if found.seed_std is None:
        noise = "seed noise is not known, so that there are no intervals"
    else:
        std, degrees = found.seed_std
        noise = (
            f"whiskers are 95 % intervals by seed noise, standard deviation {100 * std:.2f} points "
            f"with {degrees} degrees of freedom"
        )
    return [markup.paragraph(f"Trainings of each step measured here: {trainings}; {noise}.")]


def _order(study: StudyData) -> list[Block]:
    found = walked(study)
    if found is None or len(found.steps) < FEWEST_ROWS:
        return []
    game = found.game
    possible, trained = int(game.walk.valid.sum()), int((game.seeds[game.walk.valid] > 0).sum())
    if trained < possible:
        said = (
            f"{trained:,} of {possible:,} possible sets of {len(found.steps)} steps are trained; "
            "the mean over orders needs all of them."
        )
        return [markup.paragraph(said)]
    told = conclude(game)
    steps = "; ".join(f"{s.step} {100 * s.shapley.value:+.2f} points" for s in told.steps)
    plot = Plot(
        name="",
        figure=order_figure(told.steps),
        described=f"Mean change of the error over orders: {steps}.",
    )
    sentences = [*basis_sentences(game, told.steps), *map(step_sentence, told.steps)]
    return [plot, markup.bullets([*sentences, share_sentence(told.share)])]
