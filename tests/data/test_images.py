import contextlib
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from alloygan.data import image_files
from alloygan.data.image_files import read_header, read_levels
from alloygan.data.images import image_size, read_image, read_mask
from alloygan.data.region import Region
from alloygan.errors import DataError

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (40, 60), dtype=np.uint8)
DEEP = RANDOM.integers(0, 65536, (40, 60), dtype=np.uint16)
COLOUR = RANDOM.integers(0, 256, (40, 60, 3), dtype=np.uint8)
DEEP_AS_8_BIT = np.rint(DEEP.astype(np.float64) / 257).astype(np.uint8)


def refused(path, **arguments):
    with pytest.raises(DataError) as caught:
        read_image(path, **arguments)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


# What is read, and exactly how.


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif"])
def test_grey(tmp_path, name):
    Image.fromarray(GREY).save(tmp_path / name)
    image = read_image(tmp_path / name)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, GREY[None])
    assert image_size(tmp_path / name) == (40, 60)


def test_a_wrong_suffix_does_not_matter(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.jpg", format="png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg"), GREY[None])


def test_16_bits_are_scaled_by_the_full_range(tmp_path):
    Image.fromarray(DEEP).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "little.tif", DEEP)
    tifffile.imwrite(tmp_path / "big.tif", DEEP, byteorder=">", compression="zlib")
    for name in ("a.png", "little.tif", "big.tif"):
        np.testing.assert_array_equal(read_image(tmp_path / name), DEEP_AS_8_BIT[None])


def test_jpeg_stored_as_rgb_keeps_its_grey_levels(tmp_path):
    Image.fromarray(np.stack([GREY] * 3, -1)).save(tmp_path / "a.jpg", quality=95)
    decoded = np.asarray(Image.open(tmp_path / "a.jpg"))
    assert (decoded[..., 0] == decoded[..., 1]).all()
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg"), decoded[None, ..., 0])


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_colour(tmp_path, name):
    Image.fromarray(COLOUR).save(tmp_path / name)
    np.testing.assert_array_equal(read_image(tmp_path / name, channels=3), np.moveaxis(COLOUR, -1, 0))
    luminance = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read_image(tmp_path / name)[0] - luminance).max() < 0.5001


def test_grey_is_repeated_for_three_channels(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", channels=3), np.stack([GREY] * 3))


def test_alpha_is_dropped(tmp_path):
    Image.fromarray(np.dstack([COLOUR, GREY])).save(tmp_path / "a.png")
    Image.fromarray(np.dstack([GREY, DEEP_AS_8_BIT]), "LA").save(tmp_path / "la.png")
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([COLOUR, GREY]), photometric="rgb")
    for name in ("a.png", "a.tif"):
        np.testing.assert_array_equal(read_image(tmp_path / name, channels=3), np.moveaxis(COLOUR, -1, 0))
    np.testing.assert_array_equal(read_image(tmp_path / "la.png"), GREY[None])


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("transparent", [None, bytes(range(256))])
def test_palettes(tmp_path, name, transparent):
    image = Image.fromarray(GREY, "P")
    colours = RANDOM.integers(0, 256, (256, 3), dtype=np.uint8)
    image.putpalette(colours.tobytes())
    image.save(tmp_path / name, **({"transparency": transparent} if transparent else {}))
    np.testing.assert_array_equal(read_image(tmp_path / name, channels=3), np.moveaxis(colours[GREY], -1, 0))
    assert read_image(tmp_path / name).shape == (1, 40, 60)


def test_one_bit(tmp_path):
    bits = GREY > 127
    Image.fromarray(bits).save(tmp_path / "a.png")
    Image.fromarray(bits).save(tmp_path / "fax.tif", compression="group4")
    tifffile.imwrite(tmp_path / "a.tif", bits, photometric="minisblack")
    for name in ("a.png", "fax.tif", "a.tif"):
        np.testing.assert_array_equal(read_image(tmp_path / name)[0], bits * np.uint8(255))


def test_white_is_zero_is_read_as_viewers_show_it(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[0], 255 - GREY)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.tif")), 255 - GREY)
    tifffile.imwrite(tmp_path / "b.tif", GREY > 127, photometric="miniswhite")
    np.testing.assert_array_equal(read_mask(tmp_path / "b.tif", size=(40, 60)), GREY <= 127)


CHANNELS = RANDOM.integers(0, 256, (5, 40, 60), dtype=np.uint8)


@pytest.mark.parametrize(
    ("array", "how"),
    [
        (CHANNELS, {"photometric": "minisblack", "planarconfig": "separate"}),
        (np.moveaxis(CHANNELS, 0, -1), {"photometric": "minisblack", "planarconfig": "contig"}),
        (CHANNELS, {"imagej": True, "metadata": {"axes": "CYX"}}),
        (CHANNELS, {"ome": True, "metadata": {"axes": "CYX"}}),
    ],
)
def test_channels_of_a_tiff(tmp_path, array, how):
    tifffile.imwrite(tmp_path / "a.tif", array, **how)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", channels=5), CHANNELS)
    message = refused(tmp_path / "a.tif", channels=1)
    assert "5 channels" in message
    assert "set channels: 5" in message


def test_float_in_the_unit_range(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").ravel(), np.arange(256))


@pytest.mark.parametrize("array", [GREY, DEEP, COLOUR, GREY.astype(np.float32) / 255])
def test_lzw_through_pillow(tmp_path, array):
    Image.fromarray(array).save(tmp_path / "lzw.tif", compression="tiff_lzw")
    tifffile.imwrite(tmp_path / "plain.tif", array)
    channels = 3 if array.ndim == 3 else 1
    np.testing.assert_array_equal(
        read_image(tmp_path / "lzw.tif", channels=channels),
        read_image(tmp_path / "plain.tif", channels=channels),
    )


def test_orientation_is_ignored_or_refused_never_half_applied(tmp_path):
    for name, how in (("plain.tif", {}), ("lzw.tif", {"compression": "tiff_lzw"})):
        Image.fromarray(GREY).save(tmp_path / name, tiffinfo={274: 3}, **how)  # upside down
    exif = Image.Exif()
    exif[274] = 3
    Image.fromarray(GREY).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "plain.tif"), GREY[None])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), GREY[None])
    assert "LZW compression cannot be read here" in refused(tmp_path / "lzw.tif")


def test_jpeg_in_a_tiff_through_pillow(tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "a.tif", compression="jpeg")
    assert read_image(tmp_path / "a.tif", channels=3).shape == (3, 40, 60)


def test_a_thumbnail_beside_the_image_does_not_count(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(GREY, metadata=None)
        writer.write(GREY[::4, ::4], subfiletype=1, metadata=None)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), GREY[None])


def test_a_region_is_cropped_before_the_contrast_is_measured(tmp_path):
    framed = np.full((60, 80), 255, np.uint8)
    framed[10:50, 5:65] = GREY // 4
    Image.fromarray(framed).save(tmp_path / "a.png")
    region = Region(5, 10, 60, 40)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", region=region), GREY[None] // 4)
    stretched = read_image(tmp_path / "a.png", region=region, contrast="stretch")
    assert (stretched.min(), stretched.max()) == (0, 255)
    assert "does not lie in the image" in refused(tmp_path / "a.png", region=Region(30, 10, 60, 40))


def test_stretch_keeps_the_precision_of_16_bits(tmp_path):
    dark = (np.arange(4096, dtype=np.uint16)).reshape(64, 64)  # a 12-bit camera in a 16-bit file
    tifffile.imwrite(tmp_path / "a.tif", dark)
    assert len(np.unique(read_image(tmp_path / "a.tif"))) == 17
    image = read_image(tmp_path / "a.tif", contrast="stretch")
    low, high = np.percentile(dark, [0.5, 99.5])
    expected = np.rint((dark - low) / (high - low) * 255).clip(0, 255)
    np.testing.assert_array_equal(image[0], expected)
    assert len(np.unique(image)) == 256


def test_stretch_refuses_an_even_image(tmp_path):
    Image.fromarray(np.full((40, 60), 9, np.uint8)).save(tmp_path / "a.png")
    assert "nearly all are 9" in refused(tmp_path / "a.png", contrast="stretch")


# What is refused.


def png_header(width, height):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100)))


@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (12_000, 10_000), (20_000, 15_000)])
def test_too_many_pixels_in_a_png_are_refused_before_decoding(tmp_path, monkeypatch, width, height):
    # Above and below the sizes at which Pillow itself warns and raises; warnings are errors here.
    (tmp_path / "bomb.png").write_bytes(png_header(width, height))
    monkeypatch.setattr("alloygan.data.images.read_levels", lambda path: pytest.fail("decoded"))
    message = refused(tmp_path / "bomb.png", max_pixels=100_000_000)
    assert f"{height} × {width} px is more than max_pixels: 100000000" in message


def test_too_many_pixels_in_a_tiff_are_refused_before_decoding(tmp_path, monkeypatch):
    tifffile.imwrite(
        tmp_path / "bomb.tif", shape=(20_000, 20_000), dtype=np.uint8, data=_no_strips(), compression="zlib"
    )
    monkeypatch.setattr("alloygan.data.images.read_levels", lambda path: pytest.fail("decoded"))
    assert "more than max_pixels" in refused(tmp_path / "bomb.tif")


def _no_strips():
    strip = zlib.compress(bytes(13 * 20_000))
    while True:
        yield strip


def test_pixels_of_an_image_above_pillows_limit_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)
    Image.fromarray(GREY).save(tmp_path / "a.png")
    Image.fromarray(GREY).save(tmp_path / "a.tif", compression="tiff_lzw")
    for name in ("a.png", "a.tif"):
        np.testing.assert_array_equal(read_image(tmp_path / name), GREY[None])


def test_missing_empty_and_foreign_files(tmp_path):
    assert "there is no such file" in refused(tmp_path / "gone.png")
    assert "cannot be read" in refused(tmp_path)
    (tmp_path / "empty.png").write_bytes(b"")
    assert "the file is empty" in refused(tmp_path / "empty.png")
    (tmp_path / "words.tif").write_text("these are words")
    assert "not a PNG, JPEG, BMP or TIFF" in refused(tmp_path / "words.tif")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "plain.tif", "zip.tif", "lzw.tif"])
@pytest.mark.parametrize("kept", [0.02, 0.1, 0.5, 0.9, 0.99])
def test_truncated_files(tmp_path, name, kept):
    path = tmp_path / name
    if name in ("plain.tif", "zip.tif"):
        tifffile.imwrite(path, GREY, **({"compression": "zlib"} if name == "zip.tif" else {}))
    else:
        Image.fromarray(GREY).save(path, **({"compression": "tiff_lzw"} if name == "lzw.tif" else {}))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert any(word in refused(path) for word in ("cut short", "not a PNG", "empty"))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif", "lzw.tif"])
def test_damaged_files_are_data_errors_or_images(tmp_path, name):
    path = tmp_path / name
    Image.fromarray(GREY).save(path, **({"compression": "tiff_lzw"} if name == "lzw.tif" else {}))
    whole = bytearray(path.read_bytes())
    random = np.random.default_rng(1)
    for _ in range(150):
        damaged = bytearray(whole)
        for at in random.integers(0, min(len(whole), 400), 3):
            damaged[at] = random.integers(0, 256)
        path.write_bytes(damaged)
        with contextlib.suppress(DataError):
            assert read_image(path, max_pixels=10_000).dtype == np.uint8


def test_no_pixels(tmp_path):
    (tmp_path / "a.png").write_bytes(png_header(0, 40))
    refused(tmp_path / "a.png")


@pytest.mark.parametrize("how", [{}, {"imagej": True, "metadata": {"axes": "ZYX"}}, {"metadata": None}])
def test_a_stack_is_refused(tmp_path, how):
    tifffile.imwrite(tmp_path / "a.tif", CHANNELS, photometric="minisblack", **how)
    message = refused(tmp_path / "a.tif", channels=5)
    assert "several images" in message
    assert "save one image a file" in message


def test_two_images_of_different_size_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(GREY)
        writer.write(GREY[:20])
    assert "several images" in refused(tmp_path / "a.tif")


def test_an_animation_is_refused(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png", save_all=True, append_images=[Image.fromarray(255 - GREY)])
    assert "several frames" in refused(tmp_path / "a.png")


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint32, np.complex64])
def test_other_types_are_refused(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", GREY.astype(dtype))
    assert f"pixels of type {np.dtype(dtype)} are not read" in refused(tmp_path / "a.tif")


@pytest.mark.parametrize("worst", [1.5, -0.1, np.nan, np.inf])
def test_float_outside_the_unit_range_is_refused(tmp_path, worst):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0, 0.5], [1, worst]], np.float32))
    assert "must lie in [0, 1]" in refused(tmp_path / "a.tif")


def test_colour_models_that_are_refused(tmp_path):
    Image.fromarray(COLOUR).convert("CMYK").save(tmp_path / "a.jpg")
    assert "mode CMYK" in refused(tmp_path / "a.jpg")
    Image.fromarray(COLOUR).convert("CMYK").save(tmp_path / "a.tif")
    assert "colour model SEPARATED" in refused(tmp_path / "a.tif")


def test_16_bit_colour_is_read_from_tiff_and_refused_as_png(tmp_path):
    deep = np.stack([DEEP] * 3, -1)
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), DEEP_AS_8_BIT[None])
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    png = png_header(60, 40).replace(struct.pack(">BBBBB", 8, 0, 0, 0, 0), struct.pack(">BBBBB", 16, 2, 0, 0, 0), 1)
    head = png[: 8 + 8 + 13]
    crc = struct.pack(">I", zlib.crc32(head[12:]))
    data = zlib.compress(rows)
    body = struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))
    (tmp_path / "a.png").write_bytes(head + crc + body + b"\0\0\0\0IEND\xaeB`\x82")
    with Image.open(tmp_path / "a.png") as opened:
        assert opened.mode == "RGB"  # and 8 bits; where that changes, the refusal can go
    assert "16-bit colour" in refused(tmp_path / "a.png")


def test_a_compression_that_nobody_reads_names_imagecodecs(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY)
    raw = bytearray((tmp_path / "a.tif").read_bytes())
    at = raw.find(struct.pack("<HHI", 259, 3, 1))
    raw[at + 8 : at + 10] = struct.pack("<H", 34892)  # lossy JPEG of DNG
    (tmp_path / "a.tif").write_bytes(raw)
    assert "imagecodecs" in refused(tmp_path / "a.tif")


# Masks.


def test_masks(tmp_path):
    phase = GREY > 100
    Image.fromarray(phase).save(tmp_path / "bits.png")
    Image.fromarray(phase * np.uint8(255)).save(tmp_path / "bytes.png")
    Image.fromarray(phase * np.uint8(1)).save(tmp_path / "labels.png")
    Image.fromarray(phase * np.uint16(1) + np.uint16(1)).save(tmp_path / "deep.png")
    Image.fromarray(np.stack([phase * np.uint8(255)] * 3, -1)).save(tmp_path / "rgb.png")
    for name in ("bits.png", "bytes.png", "labels.png", "deep.png", "rgb.png"):
        mask = read_mask(tmp_path / name, size=(40, 60))
        assert mask.dtype == bool
        np.testing.assert_array_equal(mask, phase)


@pytest.mark.parametrize(("level", "expected"), [(0, False), (255, True)])
def test_a_mask_of_one_level(tmp_path, level, expected):
    Image.fromarray(np.full((40, 60), level, np.uint8)).save(tmp_path / "a.png")
    assert (read_mask(tmp_path / "a.png", size=(40, 60)) == expected).all()


def test_masks_that_are_refused(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="a mask has two levels, and this one has 25"):
        read_mask(tmp_path / "a.png", size=(40, 60))
    with pytest.raises(DataError, match="the mask has 40 × 60 px and its micrograph 60 × 40"):
        read_mask(tmp_path / "a.png", size=(60, 40))


# Real micrographs.


def test_real_micrographs_and_masks(shared_data):
    folder = shared_data / "ni_superalloy_1070C"
    means = {}
    for hours in (10, 150, 300, 500):
        image = read_image(folder / f"sem_1070C_{hours:03d}h.jpg")
        assert image.shape == (1, 768, 1024)
        means[hours] = float(image.mean())
        mask = read_mask(folder / f"gammaprime_mask_1070C_{hours:03d}h.png", size=(768, 1024))
        assert 0.3 < mask.mean() < 0.95
    assert means == pytest.approx({10: 161, 150: 175, 300: 138, 500: 200}, abs=1)


def test_headers_do_not_decode(tmp_path, monkeypatch):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    monkeypatch.setattr(image_files, "pillow_levels", lambda *_: pytest.fail("decoded"))
    header = read_header(tmp_path / "a.png")
    assert (header.height, header.width, header.channels) == (40, 60, 1)
    with pytest.raises(pytest.fail.Exception):
        read_levels(tmp_path / "a.png")
