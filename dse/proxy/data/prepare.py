"""Decode a source into a prepared data set: in parallel, resumable, the same whoever does it."""

from __future__ import annotations

import json
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np

import dse
from dse.errors import UserError
from dse.files import write_whole
from dse.proxy.data.decode import Bytes
from dse.proxy.data.decoding import Decoding, OnProgress, Part, Shape, refused_images
from dse.proxy.data.order import Integers, choose_classes, choose_images, stratified_order
from dse.proxy.data.prepared import (
    FORMAT,
    META,
    SPLIT_NAMES,
    Meta,
    Request,
    SplitName,
    checksum_of,
    read_meta,
    sha256_of,
)
from dse.proxy.data.source import Source, digest_of
from dse.proxy.data.sources import open_source
from dse.proxy.data.work import Work, without

CHECKPOINT: Final = 2048  # images between two notes of what is on disk


def prepare(
    request: Request,
    folder: str | Path,
    *,
    workers: int = 1,
    max_bad: float = 0.01,
    on_progress: OnProgress | None = None,
    checkpoint: int = CHECKPOINT,
) -> Meta:
    """Prepare `request` into `folder`, or what is missing of it.

    However it is stopped, the next call goes on and loses at most `checkpoint` images' work, plus
    the blocks under way. The arrays depend on `request` and the source alone.

    Args:
        request: what to prepare.
        folder: where to; it is made.
        workers: threads, as decoding holds no interpreter lock.
        max_bad: share of images that may be refused.
        on_progress: hears of every block.
        checkpoint: images between two notes of what is on disk.

    Raises:
        UserError: the source or the folder cannot be used, or too many images are refused.
    """
    target = Path(folder)
    source = open_source(request)
    classes = choose_classes(len(source.classes), request.classes, request.seed)
    parts = []
    for number, (name, split) in enumerate(
        zip(SPLIT_NAMES, (source.train, source.test), strict=True)
    ):
        wanted = request.test_per_class if number else request.per_class
        chosen = choose_images(split.labels, classes, wanted, seed=request.seed, split=number)
        parts.append(Part(name, split, chosen, target / f"{name}_images.npy"))
    listing = digest_of(*(part.split.digest().encode() for part in parts))
    asked = {"format": FORMAT, "request": _comparable(request), "listing": listing}
    if (target / META).exists():
        return _already(target, request, listing)
    shape = (request.channels or source.channels, request.resolution, request.resolution)
    work = Work(target)
    try:
        with work.locked():
            if not work.is_started():
                _require_fresh(target)
            work.start(asked)
            Decoding(
                parts=parts,
                shape=shape,
                work=work,
                workers=workers,
                max_bad=max_bad,
                checkpoint=checkpoint,
                on_progress=on_progress,
            ).run()
            meta = _finish(parts, source, classes, shape, request, listing, work)
            work.finish()
    except OSError as error:
        raise UserError(f"{target}: {error.strerror or error}; what is done is kept.") from None
    return meta


def _already(target: Path, request: Request, listing: str) -> Meta:
    meta = read_meta(target)
    if _comparable(meta.request) != _comparable(request) or meta.listing != listing:
        raise UserError(f"{target}: holds another prepared data set; choose another with -o.")
    return meta


def _comparable(request: Request) -> dict[str, object]:
    """What decides the arrays: a source may move, its listing tells whether it is the same."""
    return request.model_dump(mode="json") | {"source": request.source.partition(":")[0]}


def _require_fresh(target: Path) -> None:
    for part in SPLIT_NAMES:
        for kind in ("images", "labels"):
            if (target / f"{part}_{kind}.npy").exists():
                raise UserError(
                    f"{target}: has a {part}_{kind}.npy that is of no preparation known here; "
                    "choose another folder with -o."
                )


def _finish(
    parts: list[Part],
    source: Source,
    classes: Integers,
    shape: Shape,
    request: Request,
    listing: str,
    work: Work,
) -> Meta:
    """Leave out what was refused, write labels, hash everything, and say that it is done."""
    names = tuple(source.classes[label] for label in classes)
    per_class: dict[SplitName, tuple[int, ...]] = {}
    files: dict[str, str] = {}
    for part in parts:
        kept = np.flatnonzero(~np.isin(part.chosen, list(work.progress.refused[part.name])))
        labels = np.searchsorted(classes, part.split.labels[part.chosen[kept]])
        order = stratified_order(labels)
        without(part.file, (len(part.chosen), *shape), kept[order])
        counts = np.bincount(labels, minlength=len(classes))
        if part.name == "train" and not counts.all():
            empty = names[int(np.argmin(counts))]
            raise UserError(f"{request.source}: the class {empty!r} has no training image.")
        if not len(labels):
            raise UserError(f"{request.source}: the split {part.name} has no images.")
        per_class[part.name] = tuple(counts.tolist())
        label_file = part.file.with_name(f"{part.name}_labels.npy")
        content = BytesIO()
        np.save(content, labels[order])
        write_whole(label_file, content.getvalue())
        files |= {path.name: sha256_of(path) for path in (part.file, label_file)}
    mean, std = _statistics(np.load(parts[0].file, mmap_mode="r"))
    meta = Meta(
        request=request,
        listing=listing,
        channels=1 if shape[0] == 1 else 3,
        classes=names,
        per_class=per_class,
        mean=mean,
        std=std,
        refused=tuple(refused_images(work, parts)),
        versions={"dse": dse.__version__} | {name: version(name) for name in ("numpy", "pillow")},
        files=files,
        checksum=checksum_of(files, names),
    )
    write_whole(parts[0].file.with_name(META), json.dumps(meta.model_dump(mode="json"), indent=1))
    return meta


def _statistics(images: Bytes) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, from exact counts of the 256 values."""
    channels = images.shape[1]
    counts = np.zeros((channels, 256), np.int64)
    for at in range(0, len(images), 1024):
        for channel in range(channels):
            pixels = images[at : at + 1024, channel].ravel()
            counts[channel] += np.bincount(pixels, minlength=256)
    values, pixels = np.arange(256), counts.sum(axis=1)
    mean = counts @ values / pixels
    variance = (counts * (values - mean[:, None]) ** 2).sum(axis=1) / pixels
    return tuple(mean.tolist()), tuple(np.sqrt(variance).tolist())
