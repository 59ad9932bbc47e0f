"""Hinge loss (Lim and Ye 2017, arXiv 1705.02894; Miyato et al. 2018, eqs. 16 and 17)."""

from torch.nn.functional import relu

from alloygan import CriticStep, GeneratorStep, Loss, Terms


class HingeLoss(Loss):
    """E max(0, 1 − f(real)) + E max(0, 1 + f(fake)) for the critic, −E f(fake) for the generator."""

    def critic(self, step: CriticStep) -> Terms:
        """Real above 1, fake below −1."""
        real, fake = step.real.score, step.fake.score
        value = relu(1 - real).mean() + relu(1 + fake).mean()
        return Terms({"critic": value}, {"real": real.detach().mean(), "fake": fake.detach().mean()})

    def generator(self, step: GeneratorStep) -> Terms:
        """−E f(fake)."""
        return Terms({"generator": -step.fake.score.mean()})
