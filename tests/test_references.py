from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pytest

from dse.errors import UserError
from dse.jobs.conclude import load_conclusion
from dse.store.records import TrialRecord
from dse.store.store import Store
from tests import tiny

NAME = "timm:test_convnext"  # a network of timm's for tests, of 27 thousand parameters


def test_a_reference_is_trained_once_beside_the_networks_and_is_in_no_statistic(
    tmp_path: Path,
) -> None:
    plain = tiny.study(tmp_path, models=3)
    with_reference = tiny.study(tmp_path, models=3, reference=(NAME,))
    pd.testing.assert_frame_equal(with_reference.population, plain.population)
    assert with_reference.summary.quartiles == plain.summary.quartiles
    (reference,) = with_reference.references
    assert (reference.name, reference.seeds, reference.networks) == (NAME, 1, 3)
    assert any(NAME in sentence for sentence in with_reference.summary.sentences)
    assert "test_convnext" in (tmp_path / "study.html").read_text()
    with Store.open(tmp_path / "study.db") as store:
        before = store.population(references=True)
        assert (store.networks(), store.references()) == (3, [NAME])
    tiny.study(tmp_path, models=4, reference=(NAME, "timm:test_vit"))
    with Store.open(tmp_path / "study.db") as store:
        after = store.population(references=True)
        assert (store.networks(), store.references()) == (4, [NAME, "timm:test_vit"])
    kept = after[after["index"] == -1].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, before)
    assert len(load_conclusion(tmp_path / "study.db").references) == 2


def test_an_unknown_reference_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no such model"):
        tiny.study(tmp_path, reference=("timm:no_such_model_1",))
    assert not (tmp_path / "study.db").exists()


def test_a_reference_that_cannot_take_the_images_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    proxy = tmp_path / "forty.yaml"
    proxy.write_text(tiny.PROXY.replace("resolution: 32", "resolution: 40"))
    with pytest.raises(UserError, match="cannot take images of 40 pixels"):
        tiny.study(tmp_path, proxy=str(proxy), reference=(NAME, "timm:test_vit"))
    assert not (tmp_path / "study.db").exists()


def test_a_kill_between_naming_a_reference_and_queueing_it_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_trials = Store.add_trials

    def killed(store: Store, trials: Iterable[TrialRecord]) -> None:
        trials = list(trials)
        if any(trial.index < 0 for trial in trials):
            raise KeyboardInterrupt
        add_trials(store, trials)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "add_trials", killed)
        with pytest.raises(KeyboardInterrupt):
            tiny.study(tmp_path, models=2, repeat="0%", reference=(NAME,))
    (reference,) = tiny.study(tmp_path, models=2, repeat="0%", reference=(NAME,)).references
    assert (reference.name, reference.seeds) == (NAME, 1)
