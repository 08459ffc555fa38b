from __future__ import annotations

import numpy as np
import pandas as pd

from dse.analysis.references import compare_references, reference_sentence


def rows(*trainings: tuple[int, int, str, float], name: str = "timm:swin") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "index": [t[0] for t in trainings],
            "replicate": [t[1] for t in trainings],
            "state": [t[2] for t in trainings],
            "error": [t[3] for t in trainings],
            "flops": 4_490_566_656,
            "params": 28_288_354,
            "architecture": [{"reference": f"{name}{-t[0]}"} for t in trainings],
        }
    )


POPULATION = rows(
    (0, 0, "complete", 0.2), (1, 0, "complete", 0.4), (2, 0, "diverged", np.nan),
    (0, 1, "complete", 0.9),
)  # fmt: skip


def test_a_reference_is_compared_with_first_seeds_alone() -> None:
    found = rows((-1, 0, "complete", 0.3), (-1, 1, "complete", 0.5), (-2, 0, "complete", 0.1))
    first, second = compare_references(found, POPULATION)
    assert (first.name, first.seeds, first.better, first.networks) == ("timm:swin1", 2, 1, 3)
    assert first.error == 0.4
    assert (second.name, second.better) == ("timm:swin2", 0)


def test_what_has_not_ended_is_left_out_and_what_ended_badly_is_told() -> None:
    found = rows((-1, 0, "running", np.nan), (-2, 0, "out_of_memory", np.nan))
    (reference,) = compare_references(found, POPULATION)
    assert np.isinf(reference.error)
    assert "was not trained to the end" in reference_sentence(reference, channels=0.25)


def test_the_sentence_tells_cost_seeds_rank_and_the_difference_in_width() -> None:
    (reference,) = compare_references(rows((-1, 0, "complete", 0.3)), POPULATION)
    sentence = reference_sentence(reference, channels=0.25)
    for text in ("4.491 GFLOPs", "28.3 M", "30.0 % error (1 seed)", "1 of 3 networks", "0.25 of"):
        assert text in sentence
    assert "full width" not in reference_sentence(reference, channels=1)
