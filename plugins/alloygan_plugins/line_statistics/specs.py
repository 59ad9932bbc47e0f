"""What a spec says of the descriptors of test lines."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from alloygan.specs.components import DescriptorSpec

if TYPE_CHECKING:
    from alloygan.interfaces.descriptor import Descriptor


class LineSpec(DescriptorSpec):
    """Which phase is looked at, along which lines."""

    phase: Literal["primary", "matrix"] = Field(
        "primary",
        description="The phase that the line lies in: the primary one, or the matrix, all that is not primary.",
    )
    direction: Literal["both", "rows", "columns"] = Field(
        "both",
        description="Test lines along the rows of pixels (horizontal), along the columns (vertical), or along both.",
    )


class LinealPath(LineSpec):
    """L(r): chance that a straight segment of length r lies in one phase as a whole, one curve an image."""

    kind: Literal["lineal_path"] = "lineal_path"

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        from alloygan_plugins.line_statistics.lineal_path import LinealPathDescriptor

        return LinealPathDescriptor(self.phase, self.direction)


class ChordLength(LineSpec):
    """Length that a test line runs in one phase without a break, one value a chord (px or µm)."""

    kind: Literal["chord_length"] = "chord_length"

    def build(self) -> "Descriptor":
        """Build the descriptor."""
        from alloygan_plugins.line_statistics.chord_length import ChordLengthDescriptor

        return ChordLengthDescriptor(self.phase, self.direction)
