"""CcGAN's hard and soft vicinal discriminator losses (HVDL and SVDL, Ding et al. 2021) in their hinge form."""

from torch.nn.functional import relu

from alloygan import CriticStep, GeneratorStep, Loss, Terms


class VicinalHingeLoss(Loss):
    """mean w max(0, 1 − D(x)) / mean w + mean max(0, 1 + D(G(z, y))), both judged under the asked condition y."""

    def critic(self, step: CriticStep) -> Terms:
        """Real images count by the weights of the batch, generated ones alike."""
        real, fake, weight = step.real.score, step.fake.score, step.batch.weight
        value = (weight * relu(1 - real)).sum() / weight.sum().clamp_min(1e-12) + relu(1 + fake).mean()
        return Terms({"critic": value}, {"real": real.detach().mean(), "fake": fake.detach().mean()})

    def generator(self, step: GeneratorStep) -> Terms:
        """−E D(G(z, y))."""
        return Terms({"generator": -step.fake.score.mean()})
