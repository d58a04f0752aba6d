"""Scans of strips, read as what they are: files that anyone may have made.

Shapes: h rows and w columns of a scan, H and W of a strip.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ops.strip.paper import INK, PAPER
from schemas.restoration import F32
from schemas.strip_image import HEIGHT, WIDTH

MOST_BYTES: Final = 2**26
MOST_PIXELS: Final = 20_000_000
LEAST_PIXELS: Final = 32
"""Of a side."""

FORMATS: Final = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")
"""No format among them runs a program to be read."""

_INKED: Final = 110
"""Luminance below which a pixel is ink whatever its colour; grids are lighter."""

_DARK_SCREEN: Final = 128
_LEAST_CONTRAST: Final = 24
_PAPER_SHARE: Final = 0.75
_INK_SHARE: Final = 0.005


def read_image(content: bytes, name: str) -> NDArray[np.uint8]:
    """Read a scan of one strip: (H, W) grey levels, paper light and traces dark.

    Coloured grids fade and traces of any colour stay; a dark screen is inverted; of an animation
    the first frame counts. ``name`` is what the file is called where it can't be read.

    Raises:
        ValueError: where it is no image of a known format, is broken, too large or too small.
    """
    with _told(name):
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    _see_size(*image.size, name)  # before anything is decoded
    with _told(name):
        whole = Image.fromarray(_grey(ImageOps.exif_transpose(image)))
        small = whole.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    return _levelled(np.asarray(small, np.float32))


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn whatever goes wrong with an image into a sentence that names its file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes that are seen to, and of odd metadata
            yield
    except Image.DecompressionBombError as error:
        raise ValueError(_too_large(name)) from error
    except UnidentifiedImageError as error:
        message = f"{name} is no image of a format that is read: {', '.join(FORMATS)}"
        raise ValueError(message) from error
    except Exception as error:  # what Pillow raises depends on what is wrong
        message = f"{name} can't be read as an image: it is cut short or broken"
        raise ValueError(message) from error


def _see_size(width: int, height: int, name: str) -> None:
    if width * height > MOST_PIXELS:
        raise ValueError(_too_large(name))
    if min(width, height) < LEAST_PIXELS:
        message = (
            f"{name} has {width} x {height} pixels, a strip has at least {LEAST_PIXELS} a side"
        )
        raise ValueError(message)


def _too_large(name: str) -> str:
    return f"{name} has more than {MOST_PIXELS:,} pixels, which is no strip"


def _grey(image: Image.Image) -> NDArray[np.uint8]:
    """Give (h, w) grey levels of an image of any mode, transparent parts as paper."""
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_eight_bits(np.asarray(image, np.float64)))
    if image.has_transparency_data:
        over = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
    colours = image.convert("RGB")
    luminance, lightest = np.asarray(colours.convert("L")), np.asarray(colours).max(axis=2)
    if np.median(luminance) < _DARK_SCREEN:
        return np.asarray(255 - lightest, np.uint8)
    # Pink or green, a grid is as light as paper in one channel.
    return np.where(luminance < _INKED, luminance, lightest)


def _eight_bits(levels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Bring levels of another depth to 0 to 255 by their own range."""
    known = np.where(np.isfinite(levels), levels, 0) / 2  # the range of halves can't overflow
    low, high = known.min(), known.max()
    share = (known - low) / (high - low) if high > low else np.ones_like(known)
    return np.rint(255 * share).astype(np.uint8)


def _levelled(grey: F32) -> NDArray[np.uint8]:
    """Bring paper and ink to the levels of strips that are drawn, unless nothing stands out."""
    ink, paper = np.quantile(grey, [_INK_SHARE, _PAPER_SHARE])
    if paper - ink >= _LEAST_CONTRAST:
        grey = INK + (grey - ink) / (paper - ink) * (PAPER - INK)
    return np.rint(grey).clip(0, 255).astype(np.uint8)
