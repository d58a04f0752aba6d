"""Scans of strips, read as what they are: files that anyone may have made.

Shapes: h rows and w columns of a scan, H and W of a strip.
"""

import io
import struct
import warnings
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ops.strip.paper import INK, PAPER
from schemas.restoration import F32
from schemas.strip_image import HEIGHT, WIDTH

MOST_BYTES: Final = 2**26
MOST_PIXELS: Final = 40_000_000
LEAST_PIXELS: Final = 32
"""Of a side."""

FORMATS: Final = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")
"""No format among them runs a program to be read."""

_BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    AttributeError,
    NotImplementedError,
    struct.error,
    zlib.error,
    Warning,
)
"""What Pillow raises of files that are not what they say, found by trying."""

_INKED: Final = 110
"""Luminance below which a pixel is ink whatever its colour; grids are lighter."""

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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            grey = _grey(_opened(content, name))
            small = grey.resize((WIDTH, HEIGHT), Image.Resampling.BOX, reducing_gap=None)
    except _Refused:
        raise
    except Image.DecompressionBombError as error:
        raise _Refused(_too_large(name)) from error
    except UnidentifiedImageError as error:
        message = f"{name} is no image of a format that is read: {', '.join(FORMATS)}"
        raise ValueError(message) from error
    except _BROKEN as error:
        message = f"{name} can't be read as an image: it is cut short or broken"
        raise ValueError(message) from error
    return _levelled(np.asarray(small, np.float32))


class _Refused(ValueError):
    """An image that is whole and not taken."""


def _opened(content: bytes, name: str) -> Image.Image:
    """Open an image of a size that is taken; nothing is decoded before that is known."""
    with warnings.catch_warnings():
        # Pillow warns of what is refused here anyway, by a lower limit.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise _Refused(_too_large(name))
    if min(width, height) < LEAST_PIXELS:
        message = (
            f"{name} has {width} x {height} pixels, a strip has at least {LEAST_PIXELS} a side"
        )
        raise _Refused(message)
    image.load()
    return ImageOps.exif_transpose(image)


def _too_large(name: str) -> str:
    return f"{name} has more than {MOST_PIXELS:,} pixels, which is no strip"


def _grey(image: Image.Image) -> Image.Image:
    """Give grey levels of an image of any mode, transparent parts as paper."""
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_eight_bits(np.asarray(image, np.float64)))
    if image.has_transparency_data:
        over = image.convert("RGBA")
        paper = Image.new("RGBA", over.size, "white")
        image = Image.alpha_composite(paper, over)
    colours = np.asarray(image.convert("RGB"))
    luminance = np.asarray(image.convert("RGB").convert("L"))
    lightest = colours.max(axis=2)
    if np.median(luminance) < 128:
        return Image.fromarray(255 - lightest)
    # Pink or green, a grid is as light as paper in one channel.
    return Image.fromarray(np.where(luminance < _INKED, luminance, lightest))


def _eight_bits(levels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Bring levels of another depth to 0 to 255 by their own range."""
    known = np.nan_to_num(levels, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = known.min(), known.max()
    # Halved, the range of no two numbers overflows.
    scaled = (known / 2 - low / 2) / max(high / 2 - low / 2, np.finfo(np.float64).tiny)
    grey = np.rint(255 * scaled).astype(np.uint8)
    return 255 - grey if np.median(grey) < 128 and high > low else grey


def _levelled(grey: F32) -> NDArray[np.uint8]:
    """Bring paper and ink to the levels of strips that are drawn, unless nothing stands out."""
    ink, paper = np.quantile(grey, [_INK_SHARE, _PAPER_SHARE])
    if paper - ink >= _LEAST_CONTRAST:
        grey = INK + (grey - ink) / (paper - ink) * (PAPER - INK)
    return np.rint(grey).clip(0, 255).astype(np.uint8)
