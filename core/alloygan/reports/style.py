"""How every figure of the report looks, and how a figure becomes a part of a page.

Each panel is a small figure of its own, so that the page can set them side by side on a wide screen and one
below the other on a phone with the text at the same size. Titles and legends are the page's, not the figure's:
they wrap there, and a name from a spec cannot break a figure.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Okabe and Ito's palette, told apart with any colour vision; line style and width say the same again for print.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9",
)  # fmt: skip
GREY, INK = "#8C8C8C", "#1A1A1A"

SETS: dict[str, dict[str, Any]] = {
    "real": {"color": BLUE, "linestyle": "-", "linewidth": 1.8, "zorder": 3},
    "generated": {"color": VERMILLION, "linestyle": "--", "linewidth": 1.8, "zorder": 4},
    "training": {"color": GREY, "linestyle": "-", "linewidth": 0.9, "zorder": 2},
}
"""The three sets of images and their lines, alike in every figure."""

SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)

_SETTINGS: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.edgecolor": "#555555",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "text.color": INK,
    "text.parse_math": False,  # a unit or a name with a dollar sign is not a formula
    "axes.formatter.use_mathtext": False,
    "svg.fonttype": "none",  # text stays text: small, searchable, and the reader's fonts serve any script
    "svg.hashsalt": "alloygan",  # ids that are the same at every run
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


Draw = Callable[[Axes], None]


@dataclass(frozen=True)
class Panel:
    """One small figure of the page with its title and what is said below it.

    `svg` None: words only. `number`: the id of the condition that it is of, if it is of one. `draw` draws the same
    panel into other axes, for a paper; call it inside `styled`.
    """

    title: str
    svg: Markup | None
    notes: list[str] = field(default_factory=list)
    number: int | None = None
    draw: Draw | None = None


@contextmanager
def styled(settings: Mapping[Any, Any] | None = None) -> Iterator[None]:
    """The report's style, with further `settings` of matplotlib laid over it."""
    with matplotlib.rc_context(_SETTINGS | dict(settings or {})), warnings.catch_warnings():
        # A page's text is drawn by the reader's browser, which has the glyphs that matplotlib lacks.
        warnings.filterwarnings("ignore", message=r".*[Gg]lyph.*missing")
        # Where a name leaves no room for a drawing, it is drawn over the name.
        warnings.filterwarnings("ignore", message="constrained_layout not applied")
        yield


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure of that many inches with one pair of axes, in the report's style."""
    with styled():
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots()


def drawn(draw: Draw, size: tuple[float, float], identity: str, label: str) -> Markup:
    """What `draw` puts into axes of a figure of `size` inches, as `to_svg` has it."""
    with drawing(*size) as (figure, axes):
        draw(axes)
        return to_svg(figure, identity, label)


def round_ticks(axis: Axis, most: int) -> None:
    """About `most` intervals of a length that people count in."""
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))


def to_svg(figure: Figure, identity: str, label: str) -> Markup:
    """The figure as an SVG element to stand in a page, the same bytes for the same figure.

    Call it inside `drawing`. `identity` is unlike that of every other figure of the page, and is put before all
    ids. `label` is what a screen reader says.
    """
    buffer = StringIO()
    # Not savefig, which draws everything twice.
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    FigureCanvasSVG(figure).print_svg(buffer, metadata=nothing)  # type: ignore[no-untyped-call]
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    # Its style sheet would hold for the whole page; the page says the same for figures only.
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<[^<>]*>", lambda tag: _with_prefix(tag.group(), identity), text)
    return Markup(f'<svg role="img" aria-label="{escape(label)}"{text.removeprefix("<svg")}')


def _with_prefix(tag: str, identity: str) -> str:
    tag = re.sub(r'(\s)id="', rf'\1id="{identity}-', tag)
    tag = re.sub(r'href="#', f'href="#{identity}-', tag)
    return tag.replace("url(#", f"url(#{identity}-")
