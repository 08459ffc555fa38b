from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from dse.architecture import Architecture
from dse.errors import UserError
from dse.jobs.explain import Explained, explain_population
from dse.space import Budget, Sampler, load_space
from dse.space.language.restrict import loosened
from dse.space.sampling.sampler import VERSION
from dse.store.plain import flat_columns
from dse.store.records import StudyRecord
from dse.store.target import parse_target
from dse.study.sampling import sampling
from tests.spaces import CONVNEXT_FILE

BUDGET = Budget.parse("4.5GFLOPs")
ErrorOf = Callable[[Architecture], float]


def made_up(network: Architecture) -> float:
    """Deep third stages and batch norm are bad, and seeds are noisy (by the network's hash)."""
    noise = np.random.default_rng(int(network.hash[:8], 16)).standard_normal()
    bad = 0.04 * (network.norm_layer == "batch_norm") + 0.01 * abs(network.depths[2] - 5)
    return float(0.3 + bad + 0.02 * noise)


def survey(
    file: Path,
    *,
    models: int = 300,
    seed: int = 0,
    error_of: ErrorOf = made_up,
    version: int = VERSION,
) -> Explained:
    """A survey of a space with made-up errors, explained; no training, no store."""
    space = load_space(file)
    sampler = Sampler(space=space, budget=BUDGET, seed=seed)
    study = StudyRecord(
        name=file.stem,
        space_name=space.name,
        space_hash=space.hash,
        space=space.definition(),
        budget=BUDGET.to_dict(),
        seed=seed,
        proxy={"dataset": {"source": "fractals"}},
        design={"repeat": 0.0, "sampling": sampling(sampler) | {"version": version}},
        provenance={},
    )
    samples = list(sampler.samples(models))
    shapes = [sample.architecture.to_dict() for sample in samples]
    frame = pd.DataFrame(
        {
            "index": [sample.index for sample in samples],
            "replicate": 0,
            "state": "complete",
            "error": [error_of(sample.architecture) for sample in samples],
            "test_images": 2000,
            "classes": 20,
            "architecture": shapes,
        }
    )
    choices = pd.DataFrame(flat_columns(shapes)).add_prefix("arch.")
    return explain_population(study, pd.concat([frame, choices], axis=1), parse_target("made.db"))


def test_three_turns_of_the_loop_narrow_the_space_to_what_is_good(tmp_path: Path) -> None:
    first = Sampler(space=load_space(CONVNEXT_FILE), budget=BUDGET, seed=9).samples(60)
    file, medians = CONVNEXT_FILE, []
    for turn in range(3):
        explained = survey(file, seed=turn)
        wider = load_space(file)
        file = explained.write_space(tmp_path / f"turn_{turn}.yaml")
        space = load_space(file)
        assert not list(loosened(wider.parameters, space.parameters, space.stages))
        assert space.hash != wider.hash
        assert space.log10_size < wider.log10_size
        samples = Sampler(space=space, budget=BUDGET, seed=9).samples(60)
        medians.append(np.median([made_up(sample.architecture) for sample in samples]))
    assert space.parameters.norm_layer.values == ("layer_norm",)
    depths = space.slots["depths.3"].values
    assert depths is not None
    assert 5 in depths
    assert len(depths) < 17
    assert medians[2] < medians[0] < 0.335 < np.median([made_up(s.architecture) for s in first])


def test_the_parent_is_found_or_written_beside_the_file(tmp_path: Path) -> None:
    explained = survey(CONVNEXT_FILE)
    file = explained.write_space(tmp_path / "narrow.yaml")
    data = yaml.safe_load(file.read_text())
    parent = tmp_path / data["extends"]
    assert load_space(parent).hash == load_space(CONVNEXT_FILE).hash
    assert not list(tmp_path.glob(".*"))
    with pytest.raises(UserError, match="is there already"):
        explained.write_space(file)


def test_where_nothing_matters_nothing_is_proposed_or_written(tmp_path: Path) -> None:
    def noise(network: Architecture) -> float:
        return float(np.random.default_rng(int(network.hash[:8], 16)).random())

    explained = survey(CONVNEXT_FILE, models=60, error_of=noise)
    assert explained.found.narrowing.kept == ()
    with pytest.raises(UserError, match="no value is shown to be worse"):
        explained.write_space(tmp_path / "narrow.yaml")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ends in \.yaml"):
        survey(CONVNEXT_FILE, models=40).write_space(tmp_path / "narrow.txt")


def test_networks_that_cannot_be_drawn_again_are_read_as_they_are(tmp_path: Path) -> None:
    explained = survey(CONVNEXT_FILE, models=40, version=1)
    assert not explained.is_drawn
    assert any("read off the networks" in sentence for sentence in explained.sentences)
    with pytest.raises(UserError, match="drawn with is not known"):
        explained.write_space(tmp_path / "narrow.yaml")


def test_parameters_are_what_the_networks_were_drawn_with() -> None:
    found = survey(CONVNEXT_FILE, models=40).found
    assert {"dims.growth.1", "depths.3", "norm_layer"} <= {row.name for row in found.importances}


def test_an_empty_survey_is_one_sentence() -> None:
    with pytest.raises(UserError, match="two at least are needed"):
        survey(CONVNEXT_FILE, models=1)
