"""Relativistic pairing loss: Huang et al. 2024, arXiv 2501.05441, eq. 2.

It is RSGAN of Jolicoeur-Martineau 2018, arXiv 1807.00734. B images.
"""

from torch import Tensor
from torch.nn.functional import softplus

from alloygan import CriticStep, GeneratorStep, Loss, Terms


class RelativisticLoss(Loss):
    """E softplus(−(D(x) − D(G(z)))) for the critic, and the same with the roles changed for the generator.

    Pairs are the images of a batch in their order: a real one and a generated one, which have the same condition where
    the sampler asks for the conditions that it draws.
    """

    def critic(self, step: CriticStep) -> Terms:
        """Real above fake; observed: the mean difference of their scores."""
        difference = step.real.score - step.fake.score
        return Terms({"critic": _positive(difference)}, {"score_difference": difference.detach().mean()})

    def generator(self, step: GeneratorStep) -> Terms:
        """Fake above real."""
        assert step.real is not None  # asked for in `needs`
        return Terms({"generator": _positive(step.fake.score - step.real.score)})


def _positive(difference: Tensor) -> Tensor:
    """−log σ of differences (B,) that are to be positive, as a mean."""
    return softplus(-difference).mean()
