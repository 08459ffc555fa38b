from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dse.errors import UserError
from dse.proxy.data import work
from dse.proxy.data.decode import decode
from dse.proxy.data.prepare import prepare
from dse.proxy.data.prepared import Meta, Request, open_arrays, read_meta
from tests.proxy.data import made


def request(source: object, **others: object) -> Request:
    return Request.model_validate({"source": str(source), "resolution": 16} | others)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    return made.image_folder(root, {"train": 30, "val": 10}, awkward=True)


def test_a_folder_becomes_arrays_and_says_what_was_refused(images: Path, tmp_path: Path) -> None:
    meta = prepare(request(f"folder:{images}"), tmp_path / "out", max_bad=0.05)
    assert meta.classes == made.CLASSES
    assert meta.per_class == {"train": (32, 30, 30), "test": (10, 10, 10)}
    assert {image.name: image.reason.split(":")[0] for image in meta.refused} == {
        "across/notes.txt": "is not an image of a known format",
        "across/truncated.jpeg": "cannot be decoded",
        "across/zero.png": "is empty (zero bytes)",
    }
    arrays = open_arrays(tmp_path / "out", meta)
    assert arrays["train_images"].shape == (92, 3, 16, 16)
    prefix = np.bincount(arrays["train_labels"][:30])
    assert prefix.max() - prefix.min() <= 1
    files = sorted((images / "train" / "down").iterdir())
    there = {decode(path, resolution=16, channels=3).tobytes() for path in files}
    of_class = arrays["train_images"][arrays["train_labels"] == 1]
    assert {image.tobytes() for image in of_class} == there
    pixels = np.asarray(arrays["train_images"], np.float64)
    np.testing.assert_allclose(meta.mean, pixels.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(meta.std, pixels.std(axis=(0, 2, 3)))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "meta.json", "test_images.npy", "test_labels.npy", "train_images.npy", "train_labels.npy",
    ]  # fmt: skip


def test_the_number_of_workers_changes_nothing(images: Path, tmp_path: Path) -> None:
    asked = request(f"folder:{images}", seed=1)
    for workers in (1, 2):
        prepare(asked, tmp_path / str(workers), workers=workers, max_bad=0.05)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


class _StopError(Exception):
    pass


def stop_after(blocks: int, calls: list[int]) -> object:
    def on_progress(done: int, total: int, refused: int) -> None:
        calls.append(done)
        if len(calls) == blocks:
            raise _StopError

    return on_progress


def test_stopped_again_and_again_it_ends_as_if_it_never_was(images: Path, tmp_path: Path) -> None:
    asked = request(f"folder:{images}")
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    prepare(asked, whole, max_bad=0.05)
    begun = []
    for _ in range(10):
        calls: list[int] = []
        try:
            prepare(
                asked,
                resumed,
                max_bad=0.05,
                checkpoint=1,
                on_progress=stop_after(1, calls),  # type: ignore[arg-type]
            )
        except _StopError:
            assert not (resumed / "meta.json").exists()
        else:
            break
        finally:
            begun += calls
    assert begun == sorted(set(begun))  # nothing was done twice
    assert len(begun) > 1
    assert contents(resumed) == contents(whole)


def test_a_note_that_was_cut_short_is_not_believed(images: Path, tmp_path: Path) -> None:
    asked, out = request(f"folder:{images}"), tmp_path / "out"
    with pytest.raises(_StopError):
        prepare(asked, out, max_bad=0.05, checkpoint=1, on_progress=stop_after(2, []))  # type: ignore[arg-type]
    notes = out / ".preparing" / "done.jsonl"
    lines = notes.read_text().splitlines()
    notes.write_text("\n".join([*lines[:-1], lines[-1][:9]]))
    meta = prepare(asked, out, max_bad=0.05)
    prepare(asked, tmp_path / "whole", max_bad=0.05)
    assert contents(out) == contents(tmp_path / "whole")
    assert meta.images("train") == 92


@pytest.mark.parametrize("name", ["train_labels.npy", "meta.json"])
def test_stopped_while_it_finishes_it_goes_on(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from dse.proxy.data import prepare as module

    real = module.write_whole

    def write(path: Path, content: str | bytes) -> None:
        if path.name == name:
            raise _StopError
        real(path, content)

    asked, out = request(f"folder:{images}"), tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(module, "write_whole", write)
        with pytest.raises(_StopError):
            prepare(asked, out, max_bad=0.05)
    prepare(asked, out, max_bad=0.05)
    prepare(asked, tmp_path / "whole", max_bad=0.05)
    assert contents(out) == contents(tmp_path / "whole")


SLOW = """
import sys, time
from dse.proxy.data import decoding
from dse.proxy.data.prepare import prepare
from dse.proxy.data.prepared import Request
real = decoding.decode
def slow(*a, **k):
    time.sleep(0.002)
    return real(*a, **k)
decoding.decode = slow
def on_progress(done, total, refused):
    print(done, flush=True)
request = Request(source=sys.argv[1], resolution=16)
prepare(request, sys.argv[2], checkpoint=64, on_progress=on_progress)
"""


def test_killed_without_warning_it_loses_one_checkpoint_at_most(tmp_path: Path) -> None:
    source = f"npz:{made.npz(tmp_path / 'images.npz', per_class=200)}"
    out = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, source, str(out)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        seen = [int(process.stdout.readline()) for _ in range(4)]
        os.kill(process.pid, signal.SIGKILL)
    assert not (out / "meta.json").exists()
    with pytest.raises(UserError, match="is not finished"):
        read_meta(out)
    calls: list[int] = []
    prepare(request(source), out, on_progress=lambda done, _total, _refused: calls.append(done))
    assert calls[0] > seen[-1] - 64
    assert calls[0] > 128
    prepare(request(source), tmp_path / "whole")
    assert contents(out) == contents(tmp_path / "whole")


def test_too_many_refused_images_are_an_error_that_names_the_first(
    images: Path, tmp_path: Path
) -> None:
    asked, out = request(f"folder:{images}"), tmp_path / "out"
    for _ in range(2):  # again is the same
        with pytest.raises(UserError, match=r"3 of 125 images are refused.*allows \(1\): train: "):
            prepare(asked, out)
    assert not (out / "meta.json").exists()
    assert prepare(asked, out, max_bad=0.03).images("train") == 92


def test_what_is_prepared_already_is_left_as_it_is(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    meta = prepare(request(f"folder:{images}"), out, max_bad=0.05)
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert prepare(request(f"folder:{images}"), out) == meta
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before
    for other in ({"seed": 1}, {"resolution": 17}, {"per_class": 5}):
        with pytest.raises(UserError, match="holds another prepared data set"):
            prepare(request(f"folder:{images}", **other), out)


def test_an_unfinished_preparation_of_something_else_is_kept(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(UserError, match="refused"):
        prepare(request(f"folder:{images}"), out)
    with pytest.raises(UserError, match="unfinished preparation of other images or options"):
        prepare(request(f"folder:{images}", seed=1), out)


def test_a_stranger_s_arrays_are_not_written_over(images: Path, tmp_path: Path) -> None:
    (tmp_path / "train_images.npy").write_bytes(b"mine")
    with pytest.raises(UserError, match="of no preparation known here"):
        prepare(request(f"folder:{images}"), tmp_path)
    assert (tmp_path / "train_images.npy").read_bytes() == b"mine"


def test_one_process_at_a_time_prepares_a_folder(images: Path, tmp_path: Path) -> None:
    with (
        work.Work(tmp_path / "out").locked(),
        pytest.raises(UserError, match="another process is preparing it"),
    ):
        prepare(request(f"folder:{images}"), tmp_path / "out")


def test_a_full_disk_is_a_sentence_and_what_is_done_is_kept(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(work.os, "pwrite", full)
        with pytest.raises(UserError, match=r"No space left.*kept"):
            prepare(request(f"folder:{images}"), tmp_path / "out", max_bad=0.05)
    assert prepare(request(f"folder:{images}"), tmp_path / "out", max_bad=0.05).images("train")


def test_subsets_are_stratified_and_nested_in_larger_ones(images: Path, tmp_path: Path) -> None:
    def of(folder: str, **options: object) -> tuple[Meta, dict[str, np.ndarray]]:
        meta = prepare(request(f"folder:{images}", **options), tmp_path / folder, max_bad=0.05)
        return meta, open_arrays(tmp_path / folder, meta)

    small, few = of("few", classes=2, per_class=5, test_per_class=3, seed=1)
    assert small.per_class == {"train": (5, 5), "test": (3, 3)}
    assert len(small.classes) == 2
    _, more = of("more", per_class=8, seed=1)
    whole = {image.tobytes() for image in more["train_images"]}
    assert {image.tobytes() for image in few["train_images"]} < whole


def test_a_reader_that_fails_costs_its_own_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dse.proxy.data.source import ArraySplit

    real = ArraySplit.read

    def read(self: ArraySplit, indices: np.ndarray) -> object:
        if 70 in indices:
            raise RuntimeError("the disk is\nunwell")
        return real(self, indices)

    monkeypatch.setattr(ArraySplit, "read", read)
    source = made.npz(tmp_path / "images.npz", per_class=100)
    meta = prepare(request(f"npz:{source}"), tmp_path / "out", max_bad=0.5)
    assert len(meta.refused) == 64
    assert {image.reason for image in meta.refused} == {"cannot be read: the disk is unwell"}


def test_meta_json_is_plain_json(images: Path, tmp_path: Path) -> None:
    meta = prepare(request(f"folder:{images}"), tmp_path / "out", max_bad=0.05)
    data = json.loads((tmp_path / "out" / "meta.json").read_text())
    assert Meta.model_validate(data) == meta
    assert data["files"].keys() == {
        "train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy",
    }  # fmt: skip
