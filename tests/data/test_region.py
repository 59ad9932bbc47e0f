import pytest

from alloygan.data.region import Region


@pytest.mark.parametrize(
    ("region", "inside"),
    [
        (Region(0, 0, 60, 40), True),
        (Region(59, 39, 1, 1), True),
        (Region(0, 0, 61, 40), False),
        (Region(0, 1, 60, 40), False),
        (Region(-1, 0, 5, 5), False),
        (Region(0, 0, 0, 5), False),
    ],
)
def test_inside_an_image(region, inside):
    assert region.lies_in((40, 60)) is inside


def test_regions_that_meet():
    region = Region(10, 10, 5, 5)
    assert region.meets(region)
    assert region.meets(Region(14, 14, 9, 9))
    assert not region.meets(Region(15, 10, 5, 5))
    assert not region.meets(Region(10, 5, 5, 5))
