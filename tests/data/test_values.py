import pytest

from alloygan.data.values import parse_level, parse_number
from alloygan.errors import DataError


def test_numbers():
    assert parse_number("exposure", " 1.5e2 ", "log") == 150
    assert parse_number("exposure", -3, "linear") == -3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "missing"),
        ("  ", "missing"),
        ("long", "is not a number"),
        ("nan", "finite"),
        ("-inf", "finite"),
        (0, "no logarithm"),
    ],
)
def test_what_is_no_number(text, said):
    with pytest.raises(DataError, match=f"^exposure: .*{said}"):
        parse_number("exposure", text, "log")


def test_levels():
    assert parse_level("phase", " beta ", ("alpha", "beta")) == "beta"
    assert parse_level("phase", "anything", None) == "anything"
    with pytest.raises(DataError, match=r"phase: unknown level 'x'\. Known: alpha\."):
        parse_level("phase", "x", ("alpha",))
    with pytest.raises(DataError, match="phase: the value is missing"):
        parse_level("phase", " ", None)
