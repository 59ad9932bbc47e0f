"""Specs of the augmenters, by the group of symmetries that the microstructure has."""

from typing import TYPE_CHECKING, Literal

from alloygan import AugmenterSpec

if TYPE_CHECKING:
    from alloygan import Augmenter, Site


class Identity(AugmenterSpec):
    """No augmentation: images as they are."""

    kind: Literal["none"] = "none"

    def build(self, site: "Site") -> "Augmenter":
        """Build the augmenter."""
        from alloygan_plugins.symmetries.augmenters import Unchanged

        return Unchanged()


class Flips(AugmenterSpec):
    """Mirror images, left-right and up-down: for microstructures with an axis, as of a compression."""

    kind: Literal["flips"] = "flips"

    def build(self, site: "Site") -> "Augmenter":
        """Build the augmenter."""
        from alloygan_plugins.symmetries.augmenters import RandomFlips

        return RandomFlips()


class Dihedral(AugmenterSpec):
    """Mirror images and quarter turns, the 8 symmetries of the square: for isotropic microstructures."""

    kind: Literal["d4"] = "d4"

    def size_problem(self, shape: tuple[int, int, int]) -> str | None:
        """A quarter turn of an image that is not square has another shape."""
        if shape[1] != shape[2]:
            return f"quarter turns need square images, and these are {shape[1]} × {shape[2]} px; use flips"
        return None

    def build(self, site: "Site") -> "Augmenter":
        """Build the augmenter."""
        from alloygan_plugins.symmetries.augmenters import RandomSymmetry

        return RandomSymmetry()
