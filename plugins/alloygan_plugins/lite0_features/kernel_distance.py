"""The kernel inception distance on features that are already there.

M. Bińkowski, D. J. Sutherland, M. Arbel and A. Gretton, Demystifying MMD GANs, ICLR 2018: the unbiased estimate of the
squared maximum mean discrepancy with the kernel (x·y / K + 1)³.
"""

import warnings

import torch
from torch import Tensor, nn
from torchmetrics.image.kid import KernelInceptionDistance


class _Given(nn.Module):
    """Stands where torchmetrics has its network: the features are already there."""

    num_features = 0

    def forward(self, features: Tensor) -> Tensor:
        return features


def kernel_distance(judged: Tensor, reference: Tensor) -> float:
    """The estimate for features (N, K) and (M, K), both at least 2; of the same law it is 0 on average, and may be
    negative.

    torchmetrics takes equally many of both sets: of the larger one, a part that is drawn alike at every run.
    """
    size = min(len(judged), len(reference))
    with warnings.catch_warnings():
        # Of the memory that many features take; here they are in memory anyway.
        warnings.simplefilter("ignore", UserWarning)
        metric = KernelInceptionDistance(feature=_Given(), subsets=1, subset_size=size, reset_real_features=True)
    metric.update(judged, real=False)
    metric.update(reference, real=True)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        mean, _ = metric.compute()
    return float(mean)
