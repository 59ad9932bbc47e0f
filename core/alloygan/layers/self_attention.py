"""Self-attention over the positions of a feature map."""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn


class SelfAttention2d(nn.Module):
    """Self-attention block of SAGAN (Zhang et al. 2019, section 3): x + γ·attention(x), γ starting at 0.

    Queries and keys have channels/8 features, values all; the products are not scaled. (B, C, H, W) in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(1, channels // 8)
        self.query = nn.Conv2d(channels, narrow, 1)
        self.key = nn.Conv2d(channels, narrow, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor) -> Tensor:
        """Attend over all H·W positions."""
        query, key, value = (
            rearrange(part(features), "b c h w -> b (h w) c") for part in (self.query, self.key, self.value)
        )
        attended = _attended(query, key, value)
        return features + self.gamma * rearrange(attended, "b (h w) c -> b c h w", h=features.shape[2])


def _attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(Q Kᵀ) V of (B, N, C) each."""
    if not (query.is_cuda and query.dtype in (torch.bfloat16, torch.float16)):
        return F.scaled_dot_product_attention(query, key, value, scale=1.0)
    # torch's fused kernels never hold all N × N products. They want heads, and the features of a position side by side;
    # in float32 they would not be IEEE's, and they have no second derivative.
    query, key, value = (rearrange(one, "b n c -> b 1 n c").contiguous() for one in (query, key, value))
    return F.scaled_dot_product_attention(query, key, value, scale=1.0).squeeze(1)
