"""The original GAN losses (Goodfellow et al. 2014, arXiv 1406.2661, eq. 1 and section 3), from logits.

The critic's score s is the logit of the paper's D = σ(s). Then −log D = softplus(−s) and −log(1 − D) = softplus(s),
which neither overflow nor lose the gradient where D rounds to 0 or 1.
"""

from torch.nn.functional import softplus

from alloygan import CriticStep, GeneratorStep, Loss, Terms


class _CrossEntropyLoss(Loss):
    """The critic's side, which both losses share: binary cross entropy of real against fake."""

    def __init__(self, real_target: float) -> None:
        super().__init__()
        self.real_target = real_target

    def critic(self, step: CriticStep) -> Terms:
        """−E[t log D(x) + (1 − t) log(1 − D(x))] − E log(1 − D(G(z))), where t is 1 without smoothing."""
        real, fake = step.real.score, step.fake.score
        # softplus(s) = softplus(−s) + s: the two logarithms of a smoothed target in one.
        on_real = softplus(-real) + (1 - self.real_target) * real
        value = on_real.mean() + softplus(fake).mean()
        return Terms({"critic": value}, {"real": real.detach().mean(), "fake": fake.detach().mean()})


class MinimaxLoss(_CrossEntropyLoss):
    """Eq. (1): the generator minimises E log(1 − D(G(z))), whose gradient vanishes where the critic is sure."""

    def generator(self, step: GeneratorStep) -> Terms:
        """E log(1 − D(G(z))), a number below 0."""
        return Terms({"generator": -softplus(step.fake.score).mean()})


class NonSaturatingLoss(_CrossEntropyLoss):
    """Section 3: the generator minimises −E log D(G(z)); the same fixed point, with a gradient from the start."""

    def generator(self, step: GeneratorStep) -> Terms:
        """−E log D(G(z))."""
        return Terms({"generator": softplus(-step.fake.score).mean()})
