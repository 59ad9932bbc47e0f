"""Which term moves the generator? The gradient of each term of the objective at generated images, in trained runs.

python benchmarks/term_gradients.py ablations/figure-s5-small/cells/*/run

The norm is that of the weighted term's gradient over a batch of images, averaged over batches. Adaptive optimisers such
as RMSProp take the objective's scale out, so what counts is the ratio: a term with nearly all of the gradient is the
whole objective.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from alloygan import load_zoo
from alloygan.assembler import assemble
from alloygan.data.held_out import load_data
from alloygan.errors import RunFolderError
from alloygan.interfaces.step import ExtraForward, GeneratorStep
from alloygan.interfaces.streams import stream
from alloygan.specs.gan import GanSpec
from alloygan.training.checkpoint import newest_checkpoint
from alloygan.training.ledger import objective
from alloygan.training.state import TrainingState
from failures import Failures, told_in_one_message
from numbers_given import at_least


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the runs and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="run folders with a checkpoint")
    parser.add_argument("--plugin", action="append", default=[], metavar="FILE", help="plugin in a single file")
    parser.add_argument("--batches", type=at_least(1), default=8, help="batches to average over")
    options = parser.parse_args(arguments)

    with told_in_one_message():
        zoo = load_zoo(options.plugin)
    table = Table("run", "term", "weight", "gradient", "share")
    failures = Failures()
    for run in options.runs:
        with failures.noted(str(run)):
            spec = zoo.read_spec(run / "spec.yaml")
            norms = gradient_norms(run, spec, options.batches)
            total = sum(norms.values())
            for name, norm in norms.items():
                share = f"{norm / total:.1%}" if total else ""
                table.add_row(str(run), name, f"{spec.losses[name].weight:g}", f"{norm:.2g}", share)
    if table.row_count:
        Console().print(table)
    if failures:
        failures.refuse(1 if table.row_count else None)


def gradient_norms(run: Path, spec: GanSpec, batches: int) -> dict[str, float]:
    """Norm of each weighted term's gradient at a batch of generated images, averaged over batches."""
    data = load_data(spec)
    gan = assemble(spec, data.space)
    state = TrainingState.start(gan, torch.device("cpu"))
    found = newest_checkpoint(run / "checkpoints")
    if found is None:
        raise RunFolderError(f"{run}: no checkpoint to measure; train it first")
    state.load_state_dict(found[1]["state"])
    state.let_judges_learn(False)
    sampler = spec.training.sampler.build(data.train, gan.site, spec.training.seed)
    generator, critic, size = gan.generator, gan.critic, spec.training.batch_size
    weights = {name: loss.weight for name, loss in spec.losses.items()}
    norms = dict.fromkeys(spec.losses, 0.0)
    cpu = torch.device("cpu")
    for number in range(batches):
        batch = sampler.draw(size, number * size)
        own = batch.target_condition if sampler.judges_target else batch.own_condition
        noise = torch.randn(size, generator.noise_width, generator=stream(0, "term gradients", number, cpu))
        images = generator(noise, batch.target_condition).detach().requires_grad_()
        step = GeneratorStep(
            batch=batch,
            fake_images=images,
            real=critic(batch.images, own),
            fake=critic(images, batch.target_condition),
            real_condition=own,
            critic=ExtraForward(critic),
            random=stream(0, "term gradients of losses", number, cpu),
            images_seen=torch.full((), found[1]["images_seen"], dtype=torch.int64),
        )
        for name, loss in gan.losses.items():
            value = objective({name: loss.generator(step)}, weights)
            if value is not None and value.requires_grad:
                (gradient,) = torch.autograd.grad(value, images, retain_graph=True, allow_unused=True)
                if gradient is not None:
                    norms[name] += float(gradient.norm()) / batches
    return norms


if __name__ == "__main__":
    main()
