"""The training loop: one function, read top to bottom. What the device computes in each turn is in `update.py`."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch

from alloygan.assembler import assemble
from alloygan.data.held_out import load_data
from alloygan.data.patches import Data
from alloygan.errors import DataError, RunFolderError, TrainingError
from alloygan.sharing import save_critic, save_generator
from alloygan.specs.gan import GanSpec
from alloygan.training.batch_statistics import synchronise
from alloygan.training.captured import CapturedUpdate, graphs_on
from alloygan.training.checkpoint import newest_checkpoint, newest_name, save_checkpoint
from alloygan.training.compiled import compiling
from alloygan.training.device import choose_device, reproducible
from alloygan.training.draw import Draw
from alloygan.training.ledger import Ledger
from alloygan.training.length import crossed, images_of
from alloygan.training.optimizers import lr_factor, set_lr
from alloygan.training.parts import part
from alloygan.training.placement import placed
from alloygan.training.precision import Arithmetic
from alloygan.training.processes import local_device, processes
from alloygan.training.run_folder import RunFolder
from alloygan.training.snapshot import save_snapshot
from alloygan.training.state import TrainingState
from alloygan.training.update import EagerUpdate, Update, due


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
    arithmetic.check()
    with (
        processes(device) as group,
        folder.locked(group.first),
        torch.random.fork_rng([device] if device.type == "cuda" else []),
        reproducible(tf32=arithmetic.tf32, tried=not arithmetic.exact),
        ExitStack() as stack,
    ):
        graphs = graphs_on(device, group) if training.cuda_graph else None
        if group.first:
            folder.check(spec)  # again, since another process may have started it meanwhile
            folder.remove_unfinished()
        # Data and parts
        with group.first_alone(spec.data.leaves_files):
            data = data if data is not None else load_data(spec)
        if not len(data.train):
            raise DataError(f"{spec.name}: the data set has no training patches")
        total = images_of(training, len(data.train))
        checkpoint_every = training.checkpoint_every or max(1, total // 20)
        gan = assemble(spec, data.space)
        generator, critic = gan.generator, gan.critic
        if training.synchronise_batch_norm:
            for network in (generator, critic):
                synchronise(network, group)
        state = TrainingState.start(gan, device, arithmetic.dtype)
        patches = placed(data.train, device)
        if training.compile != "off":
            stack.enter_context(compiling(spec.losses.values()))
        from_host = patches.images.device.type != device.type
        sampler = training.sampler.build(patches, gan.site, training.seed)
        augment = training.augment.build(gan.site)
        eager = EagerUpdate(state, group, arithmetic, augment, judges_target=sampler.judges_target)
        update: Update = eager if graphs is None else CapturedUpdate(eager, graphs)
        draw = Draw(training, sampler, augment, generator.noise_width, group, arithmetic, from_host=from_host)
        stack.callback(draw.close)
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

        per_update = training.batch_size * training.critic_updates
        stop = total if until is None else min(until, total)
        while images_seen < stop:
            before = images_seen
            factor = lr_factor(training, images_seen / total)
            set_lr(state.generator_optimizer, training.optimizer.lr * factor)
            set_lr(state.critic_optimizer, (training.critic_optimizer or training.optimizer).lr * factor)

            # Critic updates on fresh batches, and one of the generator
            number = before // per_update
            with part("data"):
                inputs = draw(before)
            said = update(inputs, due(spec.losses, number, training.critic_updates))
            with part("moving average"):
                state.ema.update(generator, number)
            with part("terms"):
                for i, terms in enumerate(said[:-1]):
                    ledger.record(terms, before + i * training.batch_size)
                ledger.record(said[-1], before)
            images_seen += per_update

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
                save_snapshot(folder.path / "samples", state.ema.generator, data, training.seed, images_seen)
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
