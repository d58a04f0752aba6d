"""Scans of strips from files that anyone may have made."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from ops.strip.image import draw_strips
from ops.strip.paper import INK, PAPER
from ops.strip.read_image import FORMATS, read_image
from schemas.strip_image import HEIGHT, WIDTH

TRACE = 130


def strip() -> Image.Image:
    """A drawn strip of ECG and ABP."""
    t = np.arange(500) / 125
    x = np.full((1, 3, 500), np.nan, np.float32)
    x[0, 0] = np.exp(-(((t % 0.8 - 0.3) / 0.03) ** 2))
    x[0, 2] = 90 + 30 * np.sin(2 * np.pi * t / 0.8)
    return Image.fromarray(draw_strips(x)[0])


def large() -> Image.Image:
    return strip().resize((3 * WIDTH, 3 * HEIGHT), Image.Resampling.BICUBIC)


def content(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def coloured(paper: tuple[int, ...], grid: tuple[int, ...], ink: tuple[int, ...]) -> bytes:
    """A scan three times as large, of paper with a grid, and one thick line across the middle."""
    pixels = np.empty((3 * HEIGHT, 3 * WIDTH, 3), np.uint8)
    pixels[:] = paper
    pixels[::12], pixels[:, ::12] = grid, grid
    pixels[140:146] = ink
    return content(Image.fromarray(pixels))


def close(read: np.ndarray, most: float = 6) -> bool:
    """Tell whether what was read is the strip that was drawn, but for its levels."""
    drawn = np.asarray(strip(), float)
    return bool(np.abs(read - drawn).mean() < most)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_strip_is_read_as_it_was_drawn_whatever_the_format(kind) -> None:
    read = read_image(content(strip(), kind), "strip")

    assert read.shape == (HEIGHT, WIDTH)
    assert read.dtype == np.uint8
    assert close(read)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr"])
def test_a_strip_is_read_whatever_its_mode(mode) -> None:
    kind = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"

    assert close(read_image(content(large().convert(mode), kind), "strip"), 14)


def test_a_strip_of_sixteen_bits_is_read_by_its_own_range() -> None:
    levels = np.asarray(large(), np.uint16) * 16  # 12 of 16 bits are used

    assert close(read_image(content(Image.fromarray(levels)), "strip"))


def test_levels_that_are_no_numbers_are_none() -> None:
    levels = np.asarray(large(), np.float32)
    levels[:5, :5] = np.nan
    levels[5:9, :5] = np.inf

    assert close(read_image(content(Image.fromarray(levels), "TIFF"), "strip"))


def test_what_is_transparent_is_paper() -> None:
    ink = 255 - np.asarray(large())
    pixels = np.dstack([np.zeros_like(ink)] * 3 + [ink])

    assert close(read_image(content(Image.fromarray(pixels)), "strip"), 14)


def test_of_an_animation_the_first_frame_counts() -> None:
    later = [Image.new("L", strip().size, 0)] * 3
    moving = content(strip(), "GIF", save_all=True, append_images=later)

    assert close(read_image(moving, "strip"))


def test_a_photo_that_was_taken_upright_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees to the right
    turned = large().rotate(90, expand=True)

    assert close(read_image(content(turned, "JPEG", exif=exif, quality=95), "strip"))


@pytest.mark.parametrize(
    "ink", [(0, 0, 0), (200, 0, 0), (0, 0, 200), (0, 120, 0)], ids=["black", "red", "blue", "green"]
)
@pytest.mark.parametrize("grid", [(255, 170, 180), (180, 255, 190)], ids=["pink", "green"])
def test_a_coloured_grid_fades_and_a_trace_of_any_colour_stays(ink, grid) -> None:
    read = read_image(coloured((255, 252, 250), grid, ink), "strip")

    assert (read[47:48] < TRACE).all()
    assert (np.delete(read, [46, 47, 48], axis=0) > 200).all()


@pytest.mark.parametrize("ink", [(0, 255, 0), (255, 0, 0), (255, 255, 0), (0, 255, 255)])
def test_a_dark_screen_is_inverted(ink) -> None:
    read = read_image(coloured((0, 0, 0), (20, 20, 20), ink), "strip")

    assert (read[47:48] < TRACE).all()
    assert (np.delete(read, [46, 47, 48], axis=0) > 200).all()


def test_a_faint_scan_is_brought_to_the_levels_of_a_drawn_one() -> None:
    faint = strip().point(lambda level: 120 + level // 4)
    read = read_image(content(faint), "strip")

    assert close(read, 8)
    assert np.quantile(read, 0.75) == pytest.approx(PAPER, abs=2)
    assert np.quantile(read, 0.004) == pytest.approx(INK, abs=2)


def test_an_empty_page_stays_empty() -> None:
    read = read_image(content(Image.new("L", (600, 200), 240)), "strip")

    assert (read == 240).all()


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG of one channel that says its size and holds what is given."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        whole = kind + body
        return struct.pack(">I", len(body)) + whole + struct.pack(">I", zlib.crc32(whole))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (b"", "is no image of a format that is read: PNG, JPEG"),
        (b"not an image", "is no image of a format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no image of a format"),
        (b"%PDF-1.7\n", "is no image of a format"),
        (content(large())[:2000], "can't be read as an image: it is cut short or broken"),
        (content(large(), "JPEG")[:2000], "can't be read as an image"),
        (content(large(), "TIFF")[:2000], "is no image of a format|can't be read"),
        (png(300, 300), "can't be read as an image"),
        (content(Image.new("L", (1, 1))), "has 1 x 1 pixels, a strip has at least 32 a side"),
        (content(Image.new("L", (2000, 31))), "has 2000 x 31 pixels"),
        (png(6000, 6000), "has more than 20,000,000 pixels, which is no strip"),
        (png(12_000, 12_000), "has more than 20,000,000 pixels"),
        (png(2**31 - 1, 2**31 - 1), "has more than 20,000,000 pixels"),
        (png(0, 5), "is no image of a format|can't be read|has 0 x 5 pixels"),
    ],
)
def test_a_file_that_is_no_strip_is_told_in_one_sentence(file, said) -> None:
    with pytest.raises(ValueError, match=f"^folder/strip.png ({said})") as told:
        read_image(file, "folder/strip.png")

    assert "\n" not in str(told.value)


@pytest.fixture(scope="module", params=FORMATS)
def whole(request) -> bytes:
    return content(strip(), request.param)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_a_spoiled_file_is_an_image_or_told(whole, data) -> None:
    file = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(file) - 1), max_size=12)):
        file[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(file))))
    one_of_both(bytes(file[:cut]))


@given(st.binary(max_size=300))
@example(b"\xff\xd8\xff\xe0")
@example(b"GIF89a")
@example(b"BM" + bytes(60))
@example(b"RIFF\x00\x00\x00\x00WEBPVP8 ")
@example(b"II*\x00\x08\x00\x00\x00")
def test_any_bytes_are_an_image_or_told(file) -> None:
    one_of_both(file)


def one_of_both(file: bytes) -> None:
    try:
        read = read_image(file, "strip.png")
    except ValueError as error:
        assert str(error).startswith("strip.png ")  # noqa: PT017
    else:
        assert read.shape == (HEIGHT, WIDTH)
