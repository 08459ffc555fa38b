from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dse.proxy.data import decode as module
from dse.proxy.data.decode import RefusedError, decode


def png(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def grey(values: object, dtype: type = np.uint8) -> Image.Image:
    return Image.fromarray(np.asarray(values, dtype))


def one(content: bytes, channels: int = 3) -> list[int]:
    """The colour of an image of one colour."""
    found = decode(content, resolution=8, channels=channels)
    assert found.shape == (channels, 8, 8)
    assert found.dtype == np.uint8
    assert (found == found[:, :1, :1]).all()
    return found[:, 0, 0].tolist()


def test_an_image_of_the_size_asked_for_keeps_its_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    found = decode(png(Image.fromarray(pixels)), resolution=8, channels=3)
    np.testing.assert_array_equal(found, pixels.transpose(2, 0, 1))
    np.testing.assert_array_equal(decode(pixels, resolution=8, channels=3), found)


def test_the_centre_square_is_kept_and_the_shorter_side_becomes_the_resolution() -> None:
    wide = np.zeros((16, 64, 3), np.uint8)
    wide[:, 24:40] = 200  # the middle sixteen columns
    found = decode(png(Image.fromarray(wide)), resolution=8, channels=3)
    assert found.shape == (3, 8, 8)
    assert (found[:, :, 2:6] == 200).all()
    assert found.min() > 150  # at the edge, what was cut off is seen a little
    tall = decode(wide.transpose(1, 0, 2), resolution=8, channels=3)
    np.testing.assert_array_equal(tall, found.transpose(0, 2, 1))


def test_resizing_is_antialiased() -> None:
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    found = decode(png(grey(board)), resolution=8, channels=1)
    assert abs(found.astype(int) - 127).max() <= 3  # not the values of single pixels


def test_16_bit_grey_is_scaled_and_not_cut_off() -> None:
    for value, expected in ((0, 0), (257, 1), (30_000, 117), (65_535, 255)):
        assert one(png(grey(np.full((9, 9), value), np.uint16))) == [expected] * 3
        assert one(png(grey(np.full((9, 9), value), np.uint16), "TIFF")) == [expected] * 3
    big_endian = Image.frombytes("I;16B", (9, 9), (30_000).to_bytes(2, "big") * 81)
    assert one(png(big_endian, "TIFF"), channels=1) == [117]


def test_cmyk_palette_bits_and_transparency_become_rgb() -> None:
    red = Image.new("RGB", (9, 9), (255, 0, 0))
    assert one(png(red.convert("CMYK"), "TIFF")) == [255, 0, 0]
    assert one(png(red.convert("P"))) == [255, 0, 0]
    assert one(png(Image.new("1", (9, 9), 1))) == [255] * 3
    assert one(png(Image.new("LA", (9, 9), (0, 255))), channels=1) == [0]
    assert one(png(Image.new("RGBA", (9, 9), (255, 0, 0, 0)))) == [255] * 3  # white shows through
    assert one(png(Image.new("RGBA", (9, 9), (255, 0, 0, 128)))) == [255, 127, 127]
    palette = Image.new("P", (9, 9), 0)
    palette.putpalette([0, 0, 255])
    assert one(png(palette, transparency=0)) == [255] * 3


def test_a_photo_is_turned_as_exif_says() -> None:
    pixels = np.zeros((8, 8), np.uint8)
    pixels[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    found = decode(png(grey(pixels), exif=exif.tobytes()), resolution=8, channels=1)[0]
    assert (found[:, -1] == 255).all()
    assert (found[:, :-1] == 0).all()


def test_a_large_jpeg_looks_as_if_it_was_decoded_in_full(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(512), np.arange(512))[..., None] // 4 + np.zeros(3, int)
    content = png(Image.fromarray(smooth.astype(np.uint8)), "JPEG", quality=95)
    full = np.asarray(Image.open(io.BytesIO(content)))
    found = decode(content, resolution=32, channels=3).astype(int)
    assert abs(found - decode(full, resolution=32, channels=3)).max() <= 3


def test_whatever_cannot_be_used_has_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    whole = Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    cases: dict[str, bytes | Path] = {
        "is empty": b"",
        "is not an image": b"hello",
        "truncated": png(whole, "JPEG")[:2000],
        "cannot be decoded": png(whole)[:2000],
        "floating-point": png(Image.new("F", (9, 9), 0.5), "TIFF"),
        "32-bit": png(Image.new("I", (9, 9), 70_000), "TIFF"),
        "cannot be read: No such file": tmp_path / "nowhere.png",
        "cannot be read: Is a directory": tmp_path,
    }
    for words, raw in cases.items():
        with pytest.raises(RefusedError, match=words) as caught:
            decode(raw, resolution=8, channels=3)
        assert "\n" not in str(caught.value)
        assert "0x" not in str(caught.value)
    monkeypatch.setattr(module, "MOST_PIXELS", 64 * 64 - 1)
    with pytest.raises(RefusedError, match="64 x 64 pixels, which is too large"):
        decode(png(whole), resolution=8, channels=3)
