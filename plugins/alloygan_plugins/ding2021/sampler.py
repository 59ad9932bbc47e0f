"""CcGAN's sampler: asked conditions scatter about the known ones, and real images come from their vicinity."""

import torch
from torch import Tensor

from alloygan import Batch, Condition, Patches, Sampler, Site
from alloygan.data.host_to_device import sent
from alloygan.data.patches import to_unit_range
from alloygan.errors import DataError
from alloygan.interfaces.condition import OFF_TABLE
from alloygan.interfaces.streams import stream
from alloygan_plugins.ding2021.specs import Vicinal

_FAINTEST = 1e-3
"""Real images of less weight are not drawn (Ding et al.'s code has the same bound)."""


class VicinalSampler(Sampler):
    """Draws y = y_j + ε, ε ~ N(0, σ²), about the condition of a random patch j, and a real image with a condition y_i
    from the vicinity of y: Σ ((y_i − y) / κ)² ≤ 1 over the continuous columns (hard), or any with the weight
    exp(−Σ ((y_i − y) / κ)²) of at least 0.001 (soft; ν = 1/κ²). Where there is none, y = y_j.

    `sigma` and `kappa` (F,) are 0 and infinite for a column of classes, whose images must have the class asked.
    Raises DataError without patches, or where no column is continuous.
    """

    judges_target = True

    def __init__(self, spec: Vicinal, patches: Patches, site: Site, seed: int) -> None:
        if len(patches) == 0:
            raise DataError("there are no training patches to draw from")
        self.soft = spec.vicinity == "soft"
        self.patches = patches
        self.seed = seed
        values = patches.condition.values.cpu()
        nodes, node_of, counts = values.unique(dim=0, return_inverse=True, return_counts=True)
        self.continuous = torch.tensor(site.continuous, dtype=torch.int64)
        varying = [i for i in site.continuous if float(nodes[:, i].amax() - nodes[:, i].amin()) > 0]
        if not varying:
            raise DataError("the sampler vicinal needs a continuous condition with several values; use uniform")
        self.sigma = torch.zeros(values.shape[1])
        self.kappa = torch.full((values.shape[1],), torch.inf)
        for i in varying:
            column = nodes[:, i].unique()
            self.sigma[i] = _silverman(values[:, i], len(nodes), len(varying)) if spec.sigma is None else spec.sigma
            self.kappa[i] = spec.gaps * float(column.diff().amax()) if spec.kappa is None else spec.kappa
        self.nodes = nodes
        self._classes = [i for i in range(values.shape[1]) if i not in site.continuous]
        self._of_node = node_of.argsort(stable=True)
        self._counts = counts
        self._starts = counts.cumsum(0) - counts
        self._node_of = node_of

    def draw(self, count: int, images_seen: int) -> Batch:
        """Draw on the host, from (seed, images seen) alone."""
        random = stream(self.seed, "sampler", images_seen)
        target, weight = self._asked(count, random)
        chance = self._counts * (weight if not self.soft else weight >= _FAINTEST)
        node = torch.multinomial(chance.double(), 1, generator=random).squeeze(1)
        within = (torch.rand(count, generator=random, dtype=torch.float64) * self._counts[node]).long()
        device = self.patches.images.device
        index = self._of_node[self._starts[node] + within]
        index = sent(index, device)
        off_table = torch.full((count,), OFF_TABLE, dtype=torch.int64, device=device)
        return Batch(
            to_unit_range(self.patches.images[index]),
            self.patches.condition[index],
            Condition(sent(target, device), off_table),
            sent(weight.gather(1, node[:, None]).squeeze(1), device),
        )

    def _asked(self, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Conditions (B, F) that have real images near, and the weight (B, K) of each of the K known conditions."""
        node = self._node_of[torch.randint(len(self._node_of), (count,), generator=random)]
        target = self.nodes[node] + self.sigma * torch.randn(count, self.nodes.shape[1], generator=random)
        weight = self._weights(target)
        lonely = (weight < _FAINTEST).all(dim=1)
        # Far from everything known there is nothing to learn; without scatter there always is.
        target = torch.where(lonely[:, None], self.nodes[node], target)
        return target, torch.where(lonely[:, None], self._weights(target), weight)

    def _weights(self, target: Tensor) -> Tensor:
        apart = target[:, None] - self.nodes[None]
        squared = (apart / self.kappa).square().sum(dim=2)
        weight = (-squared).exp() if self.soft else (squared <= 1).float()
        for i in self._classes:
            weight = weight * (apart[:, :, i] == 0)
        return weight


def _silverman(values: Tensor, count: int, dimensions: int) -> float:
    """Silverman's rule of thumb for the bandwidth in one of d columns; in one dimension Ding et al.'s."""
    return float(values.std()) * (4 / ((dimensions + 2) * count)) ** (1 / (dimensions + 4))
