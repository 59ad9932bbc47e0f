"""The training loop: one function, read top to bottom."""

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
from alloygan.training.batch_statistics import synchronise
from alloygan.training.checkpoint import newest_checkpoint, newest_name, save_checkpoint
from alloygan.training.device import choose_device, reproducible
from alloygan.training.ledger import Ledger, objective
from alloygan.training.length import crossed, images_of
from alloygan.training.optimizers import lr_factor, set_lr
from alloygan.training.precision import Arithmetic
from alloygan.training.processes import local_device, processes
from alloygan.training.run_folder import RunFolder
from alloygan.training.snapshot import save_snapshot
from alloygan.training.state import TrainingState
from alloygan.training.whole_batch import whole_critic_step, whole_generator_step


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
    device = local_device(choose_device(training.device))
    folder = RunFolder(Path(out))
    folder.check(spec)
    arithmetic = Arithmetic(training.precision, device)
    with processes(device) as group, folder.locked(group.first), reproducible(device, tf32=arithmetic.tf32):
        if group.first:
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
        if training.synchronise_batch_norm:
            for network in (generator, critic):
                synchronise(network, group)
        state = TrainingState.start(gan, device, arithmetic.dtype)
        sampler = training.sampler.build(data.train.to(device), gan.site, training.seed)
        augment = training.augment.build(gan.site)
        weights = {name: loss.weight for name, loss in spec.losses.items()}
        every = {name: loss.every for name, loss in spec.losses.items()}
        wants_real = any("real_in_generator_step" in loss.needs for loss in spec.losses.values())
        size, seed = training.batch_size, training.seed
        part = group.part(size)  # of every batch, the images that this process computes
        over_batch = {name for name, loss in spec.losses.items() if loss.over == "batch"}
        generate, judge = arithmetic.generate(generator), arithmetic.judge(critic)
        extra = ExtraForward(critic, arithmetic.judge)
        if group.first:
            folder.start(spec, device)
        group.wait()

        # Resume: all that follows depends on the number of images seen
        images_seen = 0
        found = newest_checkpoint(folder.checkpoints)
        if found is not None:
            images_seen = int(found[1]["images_seen"])
            try:
                state.load_state_dict(found[1]["state"])
            except RunFolderError as error:
                raise RunFolderError(f"{found[0]}: {error}") from None
        if group.first:
            folder.cut_metrics(images_seen)
        ledger = Ledger(images_seen, device, group)

        def draw_noise(name: str, moment: int) -> Tensor:
            random = stream(seed, name, moment, device)
            noise = torch.randn(size, generator.noise_width, generator=random, device=device)
            return noise[part].to(arithmetic.dtype)

        def augmented(images: Tensor, random: torch.Generator) -> Tensor:
            """This process's generated images, each changed as it would be in one process with the whole batch."""
            if group.count == 1:
                return augment(images, real=False, random=random)
            before, after = (images.new_zeros(n, *images.shape[1:]) for n in (part.start, size - part.stop))
            return augment(torch.cat([before, images, after]), real=False, random=random)[part]

        stop = total if until is None else min(until, total)
        while images_seen < stop:
            before = images_seen
            factor = lr_factor(training, images_seen / total)
            set_lr(state.generator_optimizer, training.optimizer.lr * factor)
            set_lr(state.critic_optimizer, (training.critic_optimizer or training.optimizer).lr * factor)

            # Critic updates, each on a fresh batch
            for _ in range(training.critic_updates):
                batch = arithmetic.batch(sampler.draw(size, images_seen))
                random = stream(seed, "augment", images_seen, device)
                batch = replace(batch, images=augment(batch.images, real=True, random=random)).part(part)
                target = batch.target_condition
                real_condition = target if sampler.judges_target else batch.own_condition
                with torch.no_grad():
                    fake_images = generate(draw_noise("critic noise", images_seen), target)
                    if augment.acts_on_fake:
                        fake_images = augmented(fake_images, random)
                critic_step = CriticStep(
                    batch=batch,
                    fake_images=fake_images,
                    real=judge(batch.images, real_condition),
                    fake=judge(fake_images, target),
                    real_condition=real_condition,
                    critic=extra,
                    random=stream(seed, "critic loss", images_seen, device),
                    images_seen=torch.full((), images_seen, dtype=torch.int64, device=device),
                    share=(group.rank, group.count),
                )
                whole = whole_critic_step(critic_step, group)
                update = images_seen // size
                named = {
                    name: loss.critic(whole if name in over_batch else critic_step)
                    for name, loss in losses.items()
                    if update % every[name] == 0
                }
                total_objective = objective(named, weights)
                if total_objective is not None:
                    state.critic_optimizer.zero_grad(set_to_none=True)
                    total_objective.backward()  # type: ignore[no-untyped-call]
                    group.average_gradients(state.judging)
                    state.critic_optimizer.step()
                    for loss in losses.values():
                        loss.after_critic_update(critic)
                ledger.record(named, images_seen)
                images_seen += size

            # Generator update, under the conditions of the last batch, with fresh noise
            state.let_judges_learn(False)
            fake_images = generate(draw_noise("generator noise", before), target)
            if augment.acts_on_fake:
                fake_images = augmented(fake_images, stream(seed, "generator augment", before, device))
            generator_step = GeneratorStep(
                batch=batch,
                fake_images=fake_images,
                real=judge(batch.images, real_condition) if wants_real else None,
                fake=judge(fake_images, target),
                real_condition=real_condition,
                critic=extra,
                random=stream(seed, "generator loss", before, device),
                images_seen=critic_step.images_seen,
                share=(group.rank, group.count),
            )
            whole_generator = whole_generator_step(generator_step, group)
            update = before // (size * training.critic_updates)
            named = {
                name: loss.generator(whole_generator if name in over_batch else generator_step)
                for name, loss in losses.items()
                if update % every[name] == 0
            }
            total_objective = objective(named, weights)
            if total_objective is not None:
                state.generator_optimizer.zero_grad(set_to_none=True)
                total_objective.backward()  # type: ignore[no-untyped-call]
                group.average_gradients(state.making)
                state.generator_optimizer.step()
            state.let_judges_learn(True)
            state.ema.update(generator, update)
            ledger.record(named, before)

            # Status and checkpoint: the only moment at which values are read from the device
            save = images_seen >= stop or crossed(before, images_seen, checkpoint_every)
            if save or crossed(before, images_seen, training.log_every):
                try:
                    line = ledger.line(images_seen)
                    if group.first:
                        folder.log(line)
                    if save:
                        state.check_finite()
                        group.refuse_drift(state.weights(), images_seen)
                        group.follow_first(state.buffers())
                except TrainingError as error:
                    raise TrainingError(
                        f"{folder.path}: {error}. Last good checkpoint: {newest_name(folder.checkpoints)}. Lower the "
                        "learning rate or the term's weight, and train into another folder."
                    ) from None
            if save and group.first:
                # The checkpoint last: what a kill leaves out before it is made again after it.
                share(folder.path, state, data, images_seen)
                save_snapshot(folder.path / "samples", state.ema.generator, data, seed, images_seen)
                save_checkpoint(folder.checkpoints, images_seen, state.state_dict(), training.keep_checkpoints)
            if save:
                group.wait()
            if report is not None and group.first:
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
