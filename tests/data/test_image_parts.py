import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from alloygan.data import image_parts
from alloygan.data.image_files import read_levels
from alloygan.data.image_parts import open_parts
from alloygan.data.region import Region
from alloygan.errors import DataError

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (53, 71), dtype=np.uint8)


def agree(path, **settings):
    whole = read_levels(path)
    with open_parts(path, **settings) as parts:
        assert parts.white == whole.white
        assert (parts.header.channels, *parts.size) == whole.array.shape
        for region in (Region(0, 0, 71, 53), Region(70, 52, 1, 1), Region(0, 48, 71, 5), Region(9, 3, 40, 31)):
            got = parts.read(region)
            assert got.dtype == whole.array.dtype
            np.testing.assert_array_equal(got, whole.array[:, region.rows, region.columns])


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_tiffs(tmp_path, compression, tile, byteorder, dtype):
    image = (GREY / np.float32(255)) if dtype == "float32" else GREY.astype(dtype) * (257 if dtype == "uint16" else 1)
    layout = {"tile": tile} if tile else {"rowsperstrip": 7}
    for name, array, photometric in (
        ("grey", image, "minisblack"),
        ("white", image, "miniswhite"),
        ("colour", np.stack([image, image[::-1], image]).transpose(1, 2, 0), "rgb"),
    ):
        path = tmp_path / f"{name}.tif"
        if dtype == "float32" and photometric == "miniswhite":
            continue
        tifffile.imwrite(path, array, compression=compression, photometric=photometric, byteorder=byteorder, **layout)
        agree(path, whole_bytes=0)
        agree(path)


@pytest.mark.parametrize("suffix", ["png", "bmp", "jpg"])
@pytest.mark.parametrize("mode", ["L", "RGB", "P", "I;16", "1", "RGBA"])
def test_other_formats(tmp_path, suffix, mode):
    if (suffix, mode) in (("jpg", "P"), ("jpg", "I;16"), ("bmp", "I;16"), ("jpg", "RGBA"), ("jpg", "1")):
        return
    array = GREY.astype(np.uint16) * 257 if mode == "I;16" else GREY
    image = Image.fromarray(array) if mode in ("L", "I;16") else Image.fromarray(array).convert(mode)
    image.save(tmp_path / f"a.{suffix}")
    agree(tmp_path / f"a.{suffix}", whole_bytes=0)
    agree(tmp_path / f"a.{suffix}")


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_any_region_of_tiles(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "tiles.tif"
    if not path.exists():
        tifffile.imwrite(path, GREY, tile=(16, 16), compression="zlib", photometric="minisblack")
    x, y = data.draw(st.integers(0, 70)), data.draw(st.integers(0, 52))
    region = Region(x, y, data.draw(st.integers(1, 71 - x)), data.draw(st.integers(1, 53 - y)))
    with open_parts(path, whole_bytes=0) as parts:
        np.testing.assert_array_equal(parts.read(region)[0], GREY[region.rows, region.columns])


def test_only_what_is_needed_is_kept(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", GREY, rowsperstrip=4, compression="zlib", photometric="minisblack")
    monkeypatch.setattr(image_parts, "_CACHED_BYTES", 1)
    agree(tmp_path / "a.tif", whole_bytes=0)


def test_what_is_too_large_to_decode_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(image_parts, "_MOST_BYTES", 1000)
    Image.fromarray(GREY).convert("RGB").save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", np.stack([GREY] * 3), planarconfig="separate", photometric="rgb")
    for name in ("a.png", "a.tif"):
        with pytest.raises(DataError, match=r"save it as a grey TIFF"), open_parts(tmp_path / name, whole_bytes=0):
            pass


def test_damaged_files_and_errors_of_others(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY, rowsperstrip=4, compression="zlib", photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        start = tiff.pages[0].dataoffsets[5]
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[start : start + 20] = bytes(20)
    (tmp_path / "a.tif").write_bytes(content)
    with open_parts(tmp_path / "a.tif", whole_bytes=0) as parts:
        parts.read(Region(0, 0, 71, 4))
        with pytest.raises(DataError, match="damaged or cut short"):
            parts.read(Region(0, 0, 71, 53))
    with pytest.raises(DataError, match="there is no such file"), open_parts(tmp_path / "b.tif"):
        pass
    # What fails in the block is none of the file's business.
    Image.fromarray(GREY).save(tmp_path / "a.png")
    with pytest.raises(ZeroDivisionError), open_parts(tmp_path / "a.png"):
        raise ZeroDivisionError
