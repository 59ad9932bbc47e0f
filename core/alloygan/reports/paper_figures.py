"""The report's figures for a paper: RUN/figures/*.pdf and *.png, with a caption for each."""

import textwrap
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from alloygan.files import whole_folder, write_bytes, write_text
from alloygan.reports.microstructure_grid import REAL, Grid
from alloygan.reports.style import SETS, Panel, styled

FOLDER = "figures"
CAPTIONS = "captions.md"
DPI = 300

WIDTH = 7.0
"""Inches: a page's two columns. Panels are laid three across, and a figure of one or two is narrower."""

# Text stays text in a PDF (TrueType, as journals ask), and nothing tells the hour of the drawing.
_SETTINGS: dict[Any, Any] = {
    "pdf.fonttype": 42,
    "font.size": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
}
_LABEL_WIDTH, _HEAD, _GAP = 1.35, 0.22, 0.03

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PaperFigure:
    """One figure: its file's name, its caption, and its panels or its grid of pictures.

    `size`: inches of one panel. `sets`: whether a legend says which line is which set of images.
    """

    name: str
    caption: str
    panels: Sequence[Panel] = ()
    size: tuple[float, float] = (WIDTH / 3, 1.75)
    sets: bool = False
    grid: Grid | None = None


def write_figures(run: Path, figures: Sequence[PaperFigure], progress: Progress | None = None) -> list[Path]:
    """Write each figure as PDF and as PNG of 300 dpi, and `captions.md`; earlier ones there are replaced.

    A figure without anything to draw is left out. Raises DataError where `RUN/figures` holds other files.
    """
    some = [figure for figure in figures if _drawable(figure)]
    names = []
    with whole_folder(run / FOLDER, CAPTIONS, (CAPTIONS, "*.pdf", "*.png")) as folder:
        captions = []
        for done, one in enumerate(some):
            if progress is not None:
                progress(done, len(some))
            with styled(_SETTINGS):
                figure = _grid_figure(one.grid) if one.grid is not None else _sheet(one)
                for suffix, content in (("png", _png(figure)), ("pdf", _pdf(figure))):
                    write_bytes(folder / f"{one.name}.{suffix}", content)
                    names.append(f"{one.name}.{suffix}")
            captions.append(f"- **{one.name}**: {one.caption}\n")
        if progress is not None:
            progress(len(some), len(some))
        write_text(folder / CAPTIONS, "".join(captions) or "There was nothing to draw.\n")
    return [run / FOLDER / name for name in names]


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    # Not savefig, which draws everything twice.
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def _pdf(figure: Figure) -> bytes:
    buffer = BytesIO()
    # The layout is the picture's already.
    figure.set_layout_engine("none")
    nothing = {"Creator": None, "Producer": None, "CreationDate": None}
    FigureCanvasPdf(figure).print_pdf(buffer, metadata=nothing)  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def _drawable(figure: PaperFigure) -> bool:
    return bool(figure.grid.rows) if figure.grid is not None else any(panel.draw is not None for panel in figure.panels)


def _sheet(one: PaperFigure) -> Figure:
    """Panels side by side, each under its title and letter."""
    panels = [panel for panel in one.panels if panel.draw is not None]
    columns = min(len(panels), max(1, int(WIDTH / one.size[0] + 0.01)))
    rows = -(-len(panels) // columns)
    legend = 0.3 if one.sets else 0.0
    figure = Figure(figsize=(columns * one.size[0], rows * one.size[1] + legend), dpi=DPI, layout="constrained")
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for place in places[len(panels) :]:
        place.set_axis_off()
    for number, (place, panel) in enumerate(zip(places, panels, strict=False)):
        _titled(place, panel, f"({_letters(number)}) " if len(panels) > 1 else "", columns)
    if one.sets:
        lines = [Line2D([], [], label=key, **{**line, "zorder": 1}) for key, line in SETS.items()]
        figure.legend(handles=lines, loc="outside upper center", ncols=len(lines), frameon=False)
    return figure


def _titled(axes: Axes, panel: Panel, letter: str, columns: int) -> None:
    if panel.draw is None:
        raise ValueError(f"{panel.title}: nothing to draw")
    panel.draw(axes)
    # A page wraps names that a spec or a plugin made long; here they would push the drawing out of the figure.
    wide = int(38 * (3 / columns if columns < 3 else 1))
    legend = axes.get_legend()
    for text in legend.get_texts() if legend is not None else ():
        text.set_text(_short(text.get_text(), 18, 1))
    axes.set_xlabel(_short(axes.get_xlabel(), wide, 2))
    axes.set_ylabel(_short(axes.get_ylabel(), 28, 2))
    if letter:
        # Above a legend, if there is one, rather than upon it.
        title = _short(f"{letter}{panel.title}", wide - 6, 3)
        axes.set_title(title, loc="left", fontsize=8, pad=16 if legend is not None else 5)


def _short(text: str, wide: int, lines: int) -> str:
    return textwrap.fill(text, wide, max_lines=lines, placeholder=" …")


def _letters(number: int) -> str:
    """`a` … `z`, then `aa` …"""
    return ("" if number < 26 else _letters(number // 26 - 1)) + chr(ord("a") + number % 26)


def _grid_figure(grid: Grid) -> Figure:
    """Rows are conditions; real patches, then generated ones, a column from one noise (the paper's Figure 2)."""
    generated = len(grid.columns) - 1
    side = (WIDTH - _LABEL_WIDTH - 3 * _GAP) / (REAL + generated)
    pictures = [[_pixels(uri) for uri in row.real + row.generated] for row in grid.rows]
    first = next(image for row in pictures for image in row)
    tall = side * first.shape[0] / first.shape[1]
    height = _HEAD + len(grid.rows) * tall
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)

    def left(column: int) -> float:
        return _LABEL_WIDTH + column * side + (3 * _GAP if column >= REAL else 0)

    for column, words in ((REAL / 2, "real"), *((REAL + i + 0.5, f"z{i + 1}") for i in range(generated))):
        at = left(int(column)) + (column % 1) * side
        at = left(0) + REAL * side / 2 if words == "real" else at
        figure.text(at / WIDTH, 1 - 0.5 * _HEAD / height, words, ha="center", va="center")
    for number, (row, images) in enumerate(zip(grid.rows, pictures, strict=True)):
        bottom = height - _HEAD - (number + 1) * tall
        name = (f"{row.label}  " if row.label >= 0 else "") + row.name + (f" ({row.standing})" if row.standing else "")
        lines = max(1, int(tall / 0.13))
        text = textwrap.fill(name.replace(", ", ",\n"), 26, max_lines=lines, placeholder=" …", replace_whitespace=False)
        figure.text(0, (bottom + tall / 2) / height, text, ha="left", va="center", fontsize=7)
        for i, image in enumerate(images):
            column = i if i < len(row.real) else REAL + i - len(row.real)
            box = (left(column) / WIDTH, bottom / height, (side - _GAP) / WIDTH, (tall - _GAP) / height)
            axes = figure.add_axes(box)
            axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
            axes.set_axis_off()
    return figure


def _pixels(uri: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(Image.open(BytesIO(b64decode(uri.partition(",")[2]))))
