"""Specs of the augmenters, by the group of symmetries that the microstructure has."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alloygan import AugmenterSpec

if TYPE_CHECKING:
    from alloygan import Augmenter, Site
    from alloygan_plugins.symmetries.intensity import Intensity


class _WithIntensity(AugmenterSpec):
    """What all groups share: small changes of intensity, when asked for."""

    brightness: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="Each real image is made darker or brighter by up to so much of the full range of grey levels; "
        "0.05 is ± 13 of 255. The generator learns to vary as much.",
    )
    contrast: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="The contrast of each real image, about its mean, is changed by a factor of up to 1 ± this.",
    )

    @property
    def intensity(self) -> "Intensity":
        """The changes of intensity."""
        from alloygan_plugins.symmetries.intensity import Intensity

        return Intensity(self.brightness, self.contrast)


class Identity(_WithIntensity):
    """No augmentation: images as they are, unless brightness or contrast is asked to vary."""

    kind: Literal["none"] = "none"

    def build(self, site: "Site") -> "Augmenter":
        """Build the augmenter."""
        from alloygan_plugins.symmetries.augmenters import Unchanged

        return Unchanged(self.intensity)


class Flips(_WithIntensity):
    """Mirror images, left-right and up-down: for microstructures with an axis, as of a compression."""

    kind: Literal["flips"] = "flips"

    def build(self, site: "Site") -> "Augmenter":
        """Build the augmenter."""
        from alloygan_plugins.symmetries.augmenters import RandomFlips

        return RandomFlips(self.intensity)


class Dihedral(_WithIntensity):
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

        return RandomSymmetry(self.intensity)
