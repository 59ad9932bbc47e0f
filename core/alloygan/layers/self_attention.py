"""Self-attention over the positions of a feature map."""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn


class SelfAttention2d(nn.Module):
    """Self-attention block of SAGAN (Zhang et al. 2019, section 3): x + γ·attention(x), γ starting at 0.

    Queries and keys have channels/8 features, values all; the products are not scaled. (B, C, H, W) in and out.
    `fused`: in bfloat16 on a GPU by torch's fused kernels, which have no second derivative, as a critic under a
    gradient penalty needs.
    """

    def __init__(self, channels: int, *, fused: bool = False) -> None:
        super().__init__()
        self.fused = fused
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
        attended = _fused(query, key, value) if self.fused and _can_be_fused(query) else _plain(query, key, value)
        return features + self.gamma * rearrange(attended, "b (h w) c -> b c h w", h=features.shape[2])


def _can_be_fused(query: Tensor) -> bool:
    # In float32 torch's fused kernels are not IEEE's.
    return query.is_cuda and query.dtype in (torch.bfloat16, torch.float16)


def _plain(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(Q Kᵀ) V of (B, N, C) each."""
    return F.scaled_dot_product_attention(query, key, value, scale=1.0)


def _fused(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The same, without ever holding all N × N products, where the numbers of features are multiples of 8."""
    # The kernels want heads, the features of a position side by side, and as many of these as fill a line of memory.
    # Zeros beside queries and keys add nothing to their products.
    more = -query.shape[2] % 8
    query, key = (F.pad(one, (0, more)) for one in (query, key))
    query, key, value = (rearrange(one, "b n c -> b 1 n c").contiguous() for one in (query, key, value))
    return F.scaled_dot_product_attention(query, key, value, scale=1.0).squeeze(1)
