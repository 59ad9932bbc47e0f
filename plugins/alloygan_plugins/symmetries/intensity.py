"""Small random changes of brightness and contrast, as between two sessions at a microscope."""

import torch
from torch import Tensor


class Intensity:
    """Each image is spread about its own mean by a factor in [1 − contrast, 1 + contrast], and then moved by up to
    ± `brightness` of the full range; what passes the ends of [−1, 1] is cut off.
    """

    def __init__(self, brightness: float, contrast: float) -> None:
        self.brightness = brightness
        self.contrast = contrast

    def __call__(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Change a batch (B, C, H, W) in [−1, 1]; without any change asked for, nothing is drawn."""
        if not self.brightness and not self.contrast:
            return images
        draw = 2 * torch.rand((2, images.shape[0], 1, 1, 1), generator=random, device=images.device) - 1
        mean = images.mean(dim=(1, 2, 3), keepdim=True)
        # The full range is 2 wide.
        changed = mean + (images - mean) * (1 + self.contrast * draw[0]) + 2 * self.brightness * draw[1]
        return changed.clamp(-1, 1)
