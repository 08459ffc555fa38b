"""One encoded image to uint8 pixels of one size, or the reason why it cannot be."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

Bytes = npt.NDArray[np.uint8]
Raw = Path | bytes | Bytes
"""An image as a source has it: a file, a file's content, or pixels (height, width[, channels])."""

MOST_PIXELS: Final = 2**27  # 134 million; a larger one would take gigabytes to decode
BACKGROUND: Final = (255, 255, 255)  # what shows through where an image is transparent
_RESAMPLE: Final = Image.Resampling.BICUBIC


class RefusedError(ValueError):
    """An image that cannot be used; its text is the reason."""


def decode(raw: Raw, *, resolution: int, channels: int) -> Bytes:
    """Pixels of shape (channels, resolution, resolution): RGB for three channels, grey for one.

    Turned as EXIF says, transparency laid over white, then the centre square is resized by
    antialiased bicubic interpolation, which is the shorter side to the resolution and a centre
    crop. Colour profiles are ignored; of an animation the first frame is taken. A large JPEG is
    decoded at half, a quarter or an eighth of its size, never below twice the resolution.

    Raises:
        RefusedError: it is empty, truncated, not an image, or of an unknown range of values.
    """
    try:
        if isinstance(raw, np.ndarray):
            image = _converted(Image.fromarray(raw.squeeze(-1) if raw.shape[2:] == (1,) else raw))
            return _square(image, resolution, channels)
        with Image.open(io.BytesIO(_content(raw))) as image:
            if image.width * image.height > MOST_PIXELS:
                raise RefusedError(f"has {image.width} x {image.height} pixels, which is too large")
            image.draft(image.mode, (2 * resolution, 2 * resolution))
            turned = ImageOps.exif_transpose(image)
            return _square(_converted(turned), resolution, channels)
    except (RefusedError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise RefusedError("is not an image of a known format") from None
    except Exception as error:  # a decoder meets damage with almost any exception
        raise RefusedError(f"cannot be decoded: {_reason(error)}") from None


def _content(raw: Path | bytes) -> bytes:
    try:
        content = raw.read_bytes() if isinstance(raw, Path) else raw
    except OSError as error:
        raise RefusedError(f"cannot be read: {error.strerror}") from None
    if not content:
        raise RefusedError("is empty (zero bytes)")
    return content


def _converted(image: Image.Image) -> Image.Image:
    """The image in mode L or RGB."""
    if image.mode in ("L", "RGB"):
        return image
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _from_16_bit(image)
    if image.mode == "F":
        raise RefusedError("has floating-point pixels, whose range is unknown")
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        ground = Image.new("RGBA", colours.size, (*BACKGROUND, 255))
        return Image.alpha_composite(ground, colours).convert("RGB")
    return image.convert("L" if image.mode == "1" else "RGB")


def _from_16_bit(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image)
    if pixels.min() < 0 or pixels.max() > 0xFFFF:
        raise RefusedError("has 32-bit pixels, whose range is unknown")
    return Image.fromarray(np.round(pixels / 257).astype(np.uint8))  # 65535 = 257 x 255


def _square(image: Image.Image, resolution: int, channels: int) -> Bytes:
    mode = "RGB" if channels == 3 else "L"
    image = image if image.mode == mode else image.convert(mode)
    if image.size != (resolution, resolution):
        side = min(image.size)
        left, top = (image.width - side) / 2, (image.height - side) / 2
        box = (left, top, left + side, top + side)
        image = image.resize((resolution, resolution), _RESAMPLE, box=box)
    pixels = np.asarray(image)
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _reason(error: Exception) -> str:
    """The error's own words in a line, without what differs from one run to the next."""
    words = re.sub(r"<[^<>]*>", "", " ".join(str(error).split()))[:200].strip()
    return words or type(error).__name__
