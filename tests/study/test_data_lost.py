"""No network is to blame for images that are lost while a study runs."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from dse.errors import UserError
from dse.proxy.data.prepare import prepare
from dse.proxy.data.prepared import Request
from dse.proxy.recipe import Proxy
from dse.store.records import Counts
from dse.store.store import Store
from dse.study.progress import PlainProgress
from tests.proxy.data import made
from tests.store.records import fill
from tests.study import losing_data
from tests.study.crew import run_workers


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
    ("scorer", "sentence"),
    [
        ("after_a_training", r"train_images\.npy: is damaged"),
        ("vanishes", "is no prepared data set"),
    ],
)
def test_images_lost_between_two_trainings_stop_the_study(
    store: Path, scorer: str, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        run_workers(store, f"losing_data:{scorer}")
    assert counts(store) == Counts(complete=1, waiting=2)


def test_images_cut_short_in_a_training_stop_the_study_which_goes_on_with_them(
    store: Path,
) -> None:
    """The kernel kills a process that reads what is not there; its successor finds the reason."""
    images = store.parent / "data" / losing_data.IMAGES
    whole, out = images.read_bytes(), StringIO()
    progress = PlainProgress(Console(file=out, width=1000))
    with pytest.raises(UserError, match=r"train_images\.npy: is damaged"):
        run_workers(store, "losing_data:in_a_training", progress=progress)
    assert "died of SIGBUS while training network 0" in out.getvalue()
    assert counts(store) == Counts(waiting=3)
    images.write_bytes(whole)
    run_workers(store, "losing_data:proxy_scorer")
    assert counts(store) == Counts(complete=3)
