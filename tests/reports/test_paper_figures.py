"""The figures for a paper: which there are, and that they are whole, alike at every run and never half there."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from alloygan.errors import DataError
from alloygan.reports.page import write_report
from alloygan.reports.paper_figures import CAPTIONS, DPI, PaperFigure, write_figures
from alloygan.reports.style import Panel, drawn
from alloygan.zoo import Zoo


def panel(title: str = "a title", xlabel: str = "x") -> Panel:
    def draw(axes: Any) -> None:
        axes.plot([0, 1], [1, 2], "o")
        axes.set_xlabel(xlabel)

    return Panel(title, drawn(draw, (2, 2), "one", title), draw=draw)


def test_a_report_leaves_its_figures_as_pdf_and_png(make_run: Any, make_findings: Any, zoo: Zoo) -> None:
    made = make_run(3)
    made.write("evaluation.json", made.evaluation() | make_findings(3))
    write_report(made.path, zoo, data=made.data)
    folder = made.path / "figures"
    names = [
        "microstructures", "parity", "deviations", "distributions_equivalent_diameter", "curves_two_point",
        "confusion", "judged", "losses",
    ]  # fmt: skip
    expected = {CAPTIONS, *(f"{name}.{suffix}" for name in names for suffix in ("pdf", "png"))}
    assert {file.name for file in folder.iterdir()} == expected
    captions = (folder / CAPTIONS).read_text(encoding="utf-8")
    assert [line.split("**")[1] for line in captions.splitlines()] == names
    for name in names:
        pdf = (folder / f"{name}.pdf").read_bytes()
        assert pdf.startswith(b"%PDF-")
        assert b"/CreationDate" not in pdf
        picture = Image.open(folder / f"{name}.png")
        assert picture.info["dpi"] == pytest.approx((DPI, DPI), abs=0.1)
        assert picture.width <= 7.01 * DPI
        grey = np.asarray(picture.convert("L"))
        assert grey.max() == 255
        assert grey.min() < 100, "something is drawn"
    # TrueType: text that can be searched, copied and edited.
    assert b"/FontFile2" in (folder / "parity.pdf").read_bytes()
    assert b"/Subtype /Type3" not in (folder / "parity.pdf").read_bytes()


def test_figures_are_the_same_bytes_at_every_run(tmp_path: Path) -> None:
    figures = [PaperFigure("one", "One.", [panel(), panel("other")], sets=True)]
    first = [path.read_bytes() for path in write_figures(tmp_path, figures)]
    assert [path.read_bytes() for path in write_figures(tmp_path, figures)] == first
    assert [path.name for path in (tmp_path / "figures").iterdir() if path.suffix == ".part"] == []


def test_earlier_figures_do_not_stay(tmp_path: Path) -> None:
    write_figures(tmp_path, [PaperFigure("one", "One.", [panel()])])
    assert write_figures(tmp_path, [PaperFigure("empty", "Empty.", [Panel("words", None, ["none"])])]) == []
    assert [path.name for path in (tmp_path / "figures").iterdir()] == [CAPTIONS]


def test_a_folder_of_other_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "mine.png").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"figures: there is something else already"):
        write_figures(tmp_path, [PaperFigure("one", "One.", [panel()])])
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["mine.png"]


def test_long_names_leave_room_for_the_drawing(tmp_path: Path) -> None:
    long = "a descriptor of some plugin with a name and a unit that never seem to end, however long the page is " * 3
    png, _ = write_figures(tmp_path, [PaperFigure("one", "One.", [panel(long, long)] * 4)])
    grey = np.asarray(Image.open(BytesIO(png.read_bytes())).convert("RGB")).astype(int)
    # The first panel's two points, in matplotlib's first colour, lie well apart.
    blue = np.argwhere((np.abs(grey - (31, 119, 180)).max(axis=2) < 30)[:, : grey.shape[1] // 3])
    assert np.ptp(blue[:, 0]) > 0.2 * DPI
