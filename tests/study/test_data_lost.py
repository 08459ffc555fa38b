"""No network is to blame for images that are lost while a study runs."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from dse.errors import DataError, UserError
from dse.proxy.data.prepare import prepare
from dse.proxy.data.prepared import Request
from dse.proxy.recipe import Proxy
from dse.store.records import ClaimedTrial, Counts, TrialResult
from dse.store.store import Store
from dse.study import worker
from dse.study.launch.local import run_workers
from dse.study.progress import PlainProgress, Progress
from dse.study.scorer import OnStep, ScorerFactory
from tests.proxy.data import made
from tests.store.records import fill
from tests.study import losing_data


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A study of three networks on 60 training images, in 14 steps each."""
    request = Request(source=f"npz:{made.npz(tmp_path / 'images.npz')}", resolution=16)
    prepare(request, tmp_path / "data")
    proxy = Proxy.model_validate(
        {
            "dataset": {"source": "prepared", "path": str(tmp_path / "data")},
            "channels": 1.0,
            "resolution": 16,
            "epochs": 2,
            "recipe": {"batch_size": 8},
        }
    )
    with Store.open(tmp_path / "study.db", create=True) as store:
        fill(store, 3, proxy=proxy.model_dump(mode="json"))
    return tmp_path / "study.db"


def counts(path: Path) -> Counts:
    with Store.open(path) as store:
        return store.counts()


@pytest.mark.parametrize(
    ("factory", "sentence"),
    [
        (losing_data.after_a_training, r"train_images\.npy: is damaged"),
        (losing_data.vanishes, "is no prepared data set"),
    ],
)
def test_images_lost_between_two_trainings_stop_the_study(
    store: Path, factory: ScorerFactory, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        run_workers(store, workers=1, device="cpu", progress=Progress(), score=factory)
    assert counts(store) == Counts(complete=1, waiting=2)


def test_images_cut_short_in_a_training_stop_the_study_which_goes_on_with_them(
    store: Path,
) -> None:
    """The kernel kills a process that reads what is not there; its successor finds the reason."""
    images = store.parent / "data" / losing_data.IMAGES
    whole, out = images.read_bytes(), StringIO()
    progress = PlainProgress(Console(file=out, width=1000))
    with pytest.raises(UserError, match=r"train_images\.npy: is damaged"):
        run_workers(
            store, workers=1, device="cpu", progress=progress, score=losing_data.in_a_training
        )
    assert "died of SIGBUS while training network 0" in out.getvalue()
    assert counts(store) == Counts(waiting=3)
    images.write_bytes(whole)
    run_workers(store, workers=1, device="cpu", progress=Progress())
    assert counts(store) == Counts(complete=3)


def test_a_worker_gives_no_result_where_the_images_are_gone(store: Path) -> None:
    def score(trial: ClaimedTrial, on_step: OnStep) -> TrialResult:
        raise DataError("images.npy: is missing.")

    with Store.open(store) as opened:
        with pytest.raises(DataError):
            worker.work(opened, "worker", score, lambda message: None)
        assert opened.counts() == Counts(running=1, waiting=2)
