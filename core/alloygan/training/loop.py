"""The training loop: one function, read top to bottom."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from alloygan.assembler import assemble
from alloygan.data.held_out import load_data
from alloygan.data.patches import Data
from alloygan.errors import DataError, RunFolderError, TrainingError
from alloygan.interfaces.step import CriticStep, ExtraForward, GeneratorStep
from alloygan.interfaces.streams import stream
from alloygan.sharing import save_critic, save_generator
from alloygan.specs.gan import GanSpec
from alloygan.specs.training import TrainingSpec
from alloygan.training.checkpoint import newest_checkpoint, newest_name, save_checkpoint
from alloygan.training.device import choose_device, reproducible
from alloygan.training.ledger import Ledger, objective
from alloygan.training.optimizers import lr_factor, set_lr
from alloygan.training.run_folder import RunFolder
from alloygan.training.snapshot import save_snapshot
from alloygan.training.state import TrainingState


@dataclass(frozen=True)
class Progress:
    """How far a training is: real images seen of all, images/s since the last line of metrics, the terms there."""

    images_seen: int
    images: int
    images_per_s: float
    terms: dict[str, float]


def train(
    spec: GanSpec,
    out: str | Path,
    *,
    data: Data | None = None,
    until: int | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Path:
    """Train a spec into a run folder, or go on where a run of the same spec was cut off. Returns the folder.

    `data` spares building the data set again. `until`: stop after so many real images, in whole generator updates, with
    a checkpoint from which the same call goes on. On the same machine, a run that was killed at any moment and resumed
    ends with the same bits as an uninterrupted one. Raises AlloyganError: SpecError, DataError or RunFolderError before
    anything is trained, TrainingError on a non-finite value.
    """
    training = spec.training
    device = choose_device(training.device)
    folder = RunFolder(Path(out))
    folder.check(spec)
    with folder.locked(), reproducible(device):
        folder.check(spec)  # again, since another process may have started it meanwhile
        folder.remove_unfinished()
        # Data and parts
        data = data if data is not None else load_data(spec)
        if not len(data.train):
            raise DataError(f"{spec.name}: the data set has no training patches")
        total = images_of(training, len(data.train))
        checkpoint_every = training.checkpoint_every or max(1, total // 20)
        gan = assemble(spec, data.space)
        generator, critic, losses = gan.generator, gan.critic, gan.losses
        state = TrainingState.start(gan, device)
        sampler = training.sampler.build(data.train.to(device), gan.site, training.seed)
        augment = training.augment.build(gan.site)
        weights = {name: loss.weight for name, loss in spec.losses.items()}
        every = {name: loss.every for name, loss in spec.losses.items()}
        wants_real = any("real_in_generator_step" in loss.needs for loss in spec.losses.values())
        size, seed = training.batch_size, training.seed
        folder.start(spec, device)

        # Resume: all that follows depends on the number of images seen
        images_seen = 0
        found = newest_checkpoint(folder.checkpoints)
        if found is not None:
            images_seen = int(found[1]["images_seen"])
            try:
                state.load_state_dict(found[1]["state"])
            except RunFolderError as error:
                raise RunFolderError(f"{found[0]}: {error}") from None
        folder.cut_metrics(images_seen)
        ledger = Ledger(images_seen, device)

        def draw_noise(name: str, moment: int) -> Tensor:
            random = stream(seed, name, moment, device)
            return torch.randn(size, generator.noise_width, generator=random, device=device)

        stop = total if until is None else min(until, total)
        while images_seen < stop:
            before = images_seen
            factor = lr_factor(training, images_seen / total)
            set_lr(state.generator_optimizer, training.optimizer.lr * factor)
            set_lr(state.critic_optimizer, (training.critic_optimizer or training.optimizer).lr * factor)

            # Critic updates, each on a fresh batch
            for _ in range(training.critic_updates):
                batch = sampler.draw(size, images_seen)
                target = batch.target_condition
                real_condition = target if sampler.judges_target else batch.own_condition
                random = stream(seed, "augment", images_seen, device)
                batch = replace(batch, images=augment(batch.images, real=True, random=random))
                with torch.no_grad():
                    fake_images = generator(draw_noise("critic noise", images_seen), target)
                    if augment.acts_on_fake:
                        fake_images = augment(fake_images, real=False, random=random)
                critic_step = CriticStep(
                    batch=batch,
                    fake_images=fake_images,
                    real=critic(batch.images, real_condition),
                    fake=critic(fake_images, target),
                    real_condition=real_condition,
                    critic=ExtraForward(critic),
                    random=stream(seed, "critic loss", images_seen, device),
                    images_seen=torch.full((), images_seen, dtype=torch.int64, device=device),
                )
                update = images_seen // size
                named = {name: losses[name].critic(critic_step) for name in losses if update % every[name] == 0}
                total_objective = objective(named, weights)
                if total_objective is not None:
                    state.critic_optimizer.zero_grad(set_to_none=True)
                    total_objective.backward()  # type: ignore[no-untyped-call]
                    state.critic_optimizer.step()
                    for loss in losses.values():
                        loss.after_critic_update(critic)
                ledger.record(named, images_seen)
                images_seen += size

            # Generator update, under the conditions of the last batch, with fresh noise
            state.let_judges_learn(False)
            fake_images = generator(draw_noise("generator noise", before), target)
            if augment.acts_on_fake:
                random = stream(seed, "generator augment", before, device)
                fake_images = augment(fake_images, real=False, random=random)
            generator_step = GeneratorStep(
                batch=batch,
                fake_images=fake_images,
                real=critic(batch.images, real_condition) if wants_real else None,
                fake=critic(fake_images, target),
                real_condition=real_condition,
                critic=ExtraForward(critic),
                random=stream(seed, "generator loss", before, device),
                images_seen=critic_step.images_seen,
            )
            update = before // (size * training.critic_updates)
            named = {name: losses[name].generator(generator_step) for name in losses if update % every[name] == 0}
            total_objective = objective(named, weights)
            if total_objective is not None:
                state.generator_optimizer.zero_grad(set_to_none=True)
                total_objective.backward()  # type: ignore[no-untyped-call]
                state.generator_optimizer.step()
            state.let_judges_learn(True)
            state.ema.update(generator, update)
            ledger.record(named, before)

            # Status and checkpoint: the only moment at which values are read from the device
            save = images_seen >= stop or crossed(before, images_seen, checkpoint_every)
            if save or crossed(before, images_seen, training.log_every):
                try:
                    folder.log(ledger.line(images_seen))
                    if save:
                        state.check_finite()
                except TrainingError as error:
                    raise TrainingError(
                        f"{folder.path}: {error}. Last good checkpoint: {newest_name(folder.checkpoints)}. Lower the "
                        "learning rate or the term's weight, and train into another folder."
                    ) from None
            if save:
                # The checkpoint last: what a kill leaves out before it is made again after it.
                share(folder.path, state, data, images_seen)
                save_snapshot(folder.path / "samples", state.ema.generator, data, seed, images_seen)
                save_checkpoint(folder.checkpoints, images_seen, state.state_dict(), training.keep_checkpoints)
            if report is not None:
                report(Progress(images_seen, total, ledger.rate(images_seen), ledger.latest))
    return folder.path


def share(path: Path, state: TrainingState, data: Data, images_seen: int) -> None:
    """Write the averaged generator with what sampling needs, and the critic."""
    spec = state.gan.spec
    save_critic(path, state.gan.critic)
    save_generator(
        path,
        state.ema.generator,
        spec.generator,
        data.space,
        name=spec.name,
        image_shape=spec.data.image_shape,
        um_per_px=data.um_per_px,
        images_seen=images_seen,
    )


def images_of(training: TrainingSpec, patches: int) -> int:
    """Length of a training in real images, in whole generator updates; an epoch is as many as there are patches."""
    images = training.images if training.images is not None else max(1, round((training.epochs or 0) * patches))
    update = training.batch_size * training.critic_updates
    return math.ceil(images / update) * update


def crossed(before: int, after: int, every: int) -> bool:
    """Whether a multiple of `every` lies in (before, after]."""
    return before // every != after // every
