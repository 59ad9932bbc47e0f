import pytest
from pydantic import ValidationError

from alloygan.preparation.options import PrepareOptions


def test_options_that_do_not_fit():
    for fields, said in (
        ({"quantiles": (99, 1)}, "the lower one first"),
        ({"reference": "a.png"}, "only contrast: match has a reference"),
        ({"block": 64}, "only contrast: clahe has blocks"),
        ({"side_um": -1}, "greater than 0"),
        ({"contrast": "histogram"}, "'none', 'quantile', 'match' or 'clahe'"),
        ({"margin": 3}, "unknown field"),
    ):
        with pytest.raises(ValidationError, match=said):
            PrepareOptions(patch=32, **fields)
