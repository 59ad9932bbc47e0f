"""What a spec says of the descriptors of whole images."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alloygan.specs.components import DescriptorSpec

if TYPE_CHECKING:
    from alloygan.interfaces.descriptor import Descriptor


class AreaFraction(DescriptorSpec):
    """Share of an image that the primary phase covers, one value an image, 0 to 1."""

    kind: Literal["area_fraction"] = "area_fraction"

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        from alloygan_plugins.phase_statistics.area_fraction import AreaFractionDescriptor

        return AreaFractionDescriptor()


class InterfaceDensity(DescriptorSpec):
    """Length of interface per area, one value an image (1/px or 1/µm)."""

    kind: Literal["interface_density"] = "interface_density"
    estimate: Literal["isotropic", "manhattan"] = Field(
        "isotropic",
        description="The length itself where interfaces have all directions alike (Cauchy and Crofton: π/4 "
        "of manhattan), or the length of the pixels' edges between the phases, exact along rows and columns.",
    )

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        from alloygan_plugins.phase_statistics.interface_density import InterfaceDensityDescriptor

        return InterfaceDensityDescriptor(self.estimate)


class MeanGrey(DescriptorSpec):
    """Mean grey level of an image, 0 (black) to 1 (white), one value an image."""

    kind: Literal["mean_grey"] = "mean_grey"

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        from alloygan_plugins.phase_statistics.mean_grey import MeanGreyDescriptor

        return MeanGreyDescriptor()


class PixelStd(DescriptorSpec):
    """Diversity: standard deviation of a pixel over images in [-1, 1], one value a condition."""

    kind: Literal["pixel_std"] = "pixel_std"

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        from alloygan_plugins.phase_statistics.pixel_std import PixelStdDescriptor

        return PixelStdDescriptor()
