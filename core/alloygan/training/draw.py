"""What the host draws for one update: batches, noise, and the seeds of what is random on the device."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from alloygan.interfaces.augmenter import Augmenter
from alloygan.interfaces.batch import Batch
from alloygan.interfaces.sampler import Sampler
from alloygan.interfaces.streams import seed_of
from alloygan.specs.training import TrainingSpec
from alloygan.training.placement import Ahead
from alloygan.training.precision import Arithmetic
from alloygan.training.processes import Processes
from alloygan.training.update import CriticInputs, GeneratorInputs, UpdateInputs


class Draw:
    """Inputs of the update at a moment of the training; the same moment gives the same ones.

    Every random number is that of the whole batch, of which each process takes its own. Generators of random numbers
    are made once and seeded anew, since a captured update goes on using the ones that it was captured with.
    `from_host`: the sampler's patches are on the host, and batches are drawn ahead and sent.
    """

    def __init__(
        self,
        training: TrainingSpec,
        sampler: Sampler,
        augment: Augmenter,
        noise_width: int,
        group: Processes,
        arithmetic: Arithmetic,
        *,
        from_host: bool = False,
    ) -> None:
        self._training = training
        self._batch: Callable[[int], Batch] = partial(sampler.draw, training.batch_size)
        self._ahead = Ahead(self._batch, arithmetic.device) if from_host else None
        self._augment = augment
        self._noise_width = noise_width
        self._rank = group.rank
        self._part = group.part(training.batch_size)
        self._arithmetic = arithmetic
        self._device = arithmetic.device
        self._generators: dict[tuple[str, int], torch.Generator] = {}

    def __call__(self, images_seen: int) -> UpdateInputs:
        """The batches at `images_seen` and after it, one for each critic update, and noise for the generator's."""
        size, updates = self._training.batch_size, self._training.critic_updates
        # What networks draw by themselves, such as dropout: each process for its own images.
        seed = seed_of(self._training.seed, f"networks of process {self._rank}", images_seen)
        for own in {torch.default_generator, own_generator(self._device)}:
            own.manual_seed(seed)
        critic = [self._critic(images_seen + i * size, i) for i in range(updates)]
        if self._ahead is not None:
            for i in range(updates, 2 * updates):
                self._ahead.expect(images_seen + i * size)
        generator = GeneratorInputs(
            self._noise("generator noise", images_seen, 0),
            self._random("generator augment", images_seen, 0),
            self._random("generator loss", images_seen, 0),
        )
        return UpdateInputs(critic, generator)

    def close(self) -> None:
        """Stop drawing ahead."""
        if self._ahead is not None:
            self._ahead.close()

    def _critic(self, images_seen: int, number: int) -> CriticInputs:
        batch = self._arithmetic.batch((self._ahead or self._batch)(images_seen))
        augment = self._random("augment", images_seen, number)
        images = self._augment(batch.images, real=True, random=augment)
        return CriticInputs(
            replace(batch, images=images).part(self._part),
            self._noise("critic noise", images_seen, number),
            torch.full((), images_seen, dtype=torch.int64, device=self._device),
            augment,
            self._random("critic loss", images_seen, number),
        )

    def _noise(self, name: str, images_seen: int, number: int) -> Tensor:
        random = self._random(name, images_seen, number)
        noise = torch.randn(self._training.batch_size, self._noise_width, generator=random, device=self._device)
        return noise[self._part].to(self._arithmetic.dtype)

    def _random(self, name: str, images_seen: int, number: int) -> torch.Generator:
        """The generator of one use of random numbers, as `stream` would make it."""
        if (name, number) not in self._generators:
            self._generators[name, number] = torch.Generator(device=self._device)
        return self._generators[name, number].manual_seed(seed_of(self._training.seed, name, images_seen))


def own_generator(device: torch.device) -> torch.Generator:
    """Torch's own generator of a device, which networks draw from, for dropout above all."""
    if device.type != "cuda":
        return torch.default_generator
    return torch.cuda.default_generators[torch.cuda.current_device() if device.index is None else device.index]
