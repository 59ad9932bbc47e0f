"""What a spec says of the descriptors of spatial order."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alloygan.specs.components import DescriptorSpec

if TYPE_CHECKING:
    from alloygan.interfaces.descriptor import Descriptor


class TwoPoint(DescriptorSpec):
    """S2(r): chance that two points r apart are both of the primary phase, one curve an image."""

    kind: Literal["two_point"] = "two_point"
    periodic: bool = Field(
        False,
        description="Whether images continue at the opposite side, as whole simulations with periodic edges "
        "do; crops do not.",
    )

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        from alloygan_plugins.spatial_correlation.two_point import TwoPointDescriptor

        return TwoPointDescriptor(self.periodic)


class CharacteristicLength(DescriptorSpec):
    """Spacing of the structure, 2π over its mean wavenumber, one value an image (px or µm)."""

    kind: Literal["characteristic_length"] = "characteristic_length"
    window: Literal["none", "hann"] = Field(
        "none",
        description="Taper towards the border before the transform: `hann` keeps the jump between opposite "
        "sides of a crop out of the spectrum, and widens its lines by one wavenumber.",
    )

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        from alloygan_plugins.spatial_correlation.characteristic_length import CharacteristicLengthDescriptor

        return CharacteristicLengthDescriptor(self.window)
