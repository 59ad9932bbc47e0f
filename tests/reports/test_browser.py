"""The page in a real browser, at a desktop's and a phone's width: it is looked at, clicked through and printed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alloygan.reports.page import write_report
from alloygan.zoo import Zoo

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("page_only")]

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


class Opened:
    """A report that is open in a browser, with everything that went wrong in it and everything it asked for."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.wrong.append(message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(path.as_uri())
        self.path = path

    def source(self) -> str:
        """The picture that the atlas shows."""
        return str(self.page.get_attribute("#atlas-picture", "src"))

    def condition(self) -> str:
        """The condition that the atlas shows."""
        return str(self.page.inner_text("#atlas-condition"))

    def check(self) -> None:
        """Nothing is wider than the screen, nothing went wrong, and nothing but the file itself was asked for."""
        wide, screen = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= screen
        assert self.wrong == []
        assert [url for url in self.asked if not url.startswith("data:")] == [self.path.as_uri()]


@pytest.fixture(params=list(SIZES))
def open_report(request: Any, browser: Any, zoo: Zoo) -> Iterator[Any]:
    """Open the report of a made run in a window of one size."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})

    def opened(made: Any, **settings: Any) -> Opened:
        page = context.new_page() if not settings else browser.new_context(**settings).new_page()
        return Opened(page, write_report(made.path, zoo, data=made.data))

    yield opened
    context.close()


def test_a_cell_of_the_grid_shows_it_in_the_atlas(open_report: Any, make_run: Any, make_findings: Any) -> None:
    made = make_run(6, held_out=(4,))
    made.write("evaluation.json", made.evaluation() | make_findings(6))
    report = open_report(made)
    page = report.page
    rows = [condition["text"] for condition in made.evaluation()["conditions"]]
    assert report.condition() == rows[0]
    seen = {report.source()}
    for row, noise in ((2, 1), (4, 3), (0, 0)):
        page.click(f'.grid a[data-point="{row}"][data-noise="{noise}"]')
        assert report.condition() == rows[row]
        assert page.inner_text("#atlas-noise") == f"generated, z{noise + 1}"
        # The grid's picture and the atlas' are the same image.
        assert report.source() == page.get_attribute(f'.grid a[data-point="{row}"][data-noise="{noise}"] img', "src")
        assert page.is_visible("#atlas-picture")
        assert page.evaluate("document.activeElement.id") == "atlas-heading"
        seen.add(report.source())
        assert ("Held out" in page.inner_text("#atlas-note")) == (row == 4)
    assert len(seen) == 3
    report.check()


def test_noises_and_values_follow_the_choice(open_report: Any, make_run: Any, zoo: Zoo) -> None:
    made = make_run(3)
    made.halve_phases(zoo)
    report = open_report(made)
    page = report.page
    buttons = page.query_selector_all("#atlas-noises button")
    assert len(buttons) == 8
    sources, values = set(), set()
    for number, button in enumerate(buttons):
        button.click()
        assert [one.get_attribute("aria-pressed") for one in buttons] == [
            "true" if i == number else "false" for i in range(8)
        ]
        sources.add(report.source())
        values.add(page.inner_text("#atlas-values"))
    assert len(sources) == 8
    assert len(values) == 8
    real = page.query_selector_all("#atlas-values tr > *:nth-child(4)")
    assert [cell.inner_text() for cell in real] == ["20.0", "0.250", "5.00"], "means of the evaluation"
    report.check()


def test_sliders_move_through_continuous_conditions_with_the_keyboard(open_report: Any, make_run: Any) -> None:
    report = open_report(make_run(0))
    page = report.page
    sliders = page.query_selector_all('#atlas-controls input[type="range"]')
    assert len(sliders) == 3
    sliders[0].focus()
    page.keyboard.press("Home")
    first, picture = report.condition(), report.source()
    assert first.startswith("composition = 0.1 at%")
    page.keyboard.press("ArrowRight")
    assert report.condition() != first
    assert report.source() != picture
    page.keyboard.press("End")
    assert report.condition().startswith("composition = 1.1 at%")
    assert sliders[0].get_attribute("aria-valuetext") == "1.1 at%"
    sliders[2].focus()
    page.keyboard.press("End")
    assert report.condition().endswith("time = 1000")
    assert "within the range that was seen in training" in page.inner_text("#atlas-note")
    assert page.is_visible("#atlas-without"), "no real image of this condition"
    report.check()


def test_classes_have_a_menu_beside_the_sliders(open_report: Any, make_run: Any) -> None:
    report = open_report(make_run(0, alloys=("AlSi10Mg", "Ti-6Al-4V")))
    page = report.page
    menu = page.query_selector("#atlas-controls select")
    assert [option.inner_text() for option in menu.query_selector_all("option")] == ["AlSi10Mg", "Ti-6Al-4V"]
    menu.select_option(label="AlSi10Mg")
    first, picture = report.condition(), report.source()
    assert first.endswith("alloy = AlSi10Mg")
    menu.select_option(label="Ti-6Al-4V")
    assert report.condition() == first.replace("AlSi10Mg", "Ti-6Al-4V"), "and nothing else"
    assert report.source() != picture
    page.focus('#atlas-controls input[type="range"]')
    page.keyboard.press("Home")
    page.keyboard.press("End")
    assert report.condition().startswith("composition = 1.1 at%")
    assert report.condition().endswith("alloy = Ti-6Al-4V"), "which a slider leaves as it is"
    report.check()


def test_the_map_is_moved_through_by_clicks_and_arrows(open_report: Any, make_run: Any) -> None:
    report = open_report(make_run(0))
    page = report.page
    cells = page.query_selector_all("#atlas-map button:not(:disabled)")
    assert len(cells) > 8
    cells[0].click()
    above, picture = report.condition(), report.source()
    assert cells[0].get_attribute("aria-current") == "true"
    page.keyboard.press("ArrowDown")
    assert report.condition() != above
    assert report.source() != picture
    page.keyboard.press("ArrowUp")
    assert report.condition() == above
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "true"
    assert report.condition() != above
    assert len(page.query_selector_all('#atlas-map button[tabindex="0"]')) == 1, "one stop of the tabulator"
    report.check()


def test_every_part_can_be_reached_by_keyboard(open_report: Any, make_run: Any) -> None:
    report = open_report(make_run(2))
    page = report.page
    parts = ("pictures", "atlas-controls", "atlas-map", "atlas-noises")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached |= {name for name in parts if page.evaluate(f"!!document.activeElement.closest('#{name}')")}
    assert reached == set(parts)
    link = page.query_selector(".grid a[data-noise='2']")
    link.focus()
    page.keyboard.press("Enter")
    assert page.inner_text("#atlas-noise") == "generated, z3"
    report.check()


def test_without_scripts_the_page_says_so(open_report: Any, make_run: Any) -> None:
    report = open_report(make_run(2), java_script_enabled=False)
    assert report.page.is_visible("#atlas-still")
    assert not report.page.is_visible("#atlas-picture")
    assert report.page.is_visible("#scores")
    report.page.context.close()


def test_on_paper_there_is_nothing_to_click(open_report: Any, make_run: Any) -> None:
    report = open_report(make_run(3))
    page = report.page
    page.emulate_media(media="print")
    assert not page.is_visible("#atlas-controls")
    assert not page.is_visible("#atlas-still")
    assert not page.is_visible("#atlas-map")
    assert not page.is_visible(".contents")
    assert page.is_visible("#atlas-picture")
    assert page.pdf(format="A4").startswith(b"%PDF-")
    assert report.wrong == []


def test_names_that_would_run_do_not(open_report: Any, make_run: Any) -> None:
    hostile = "</script><img src=x onerror=alert(1)><script>alert(2)</script>"
    report = open_report(make_run(3, unit=hostile))
    report.page.on("dialog", lambda dialog: report.wrong.append(dialog.message))
    report.page.click('.grid a[data-point="1"]')
    assert hostile in report.condition()
    report.check()
