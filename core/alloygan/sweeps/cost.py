"""What a training will cost, estimated before it starts: parameters, arithmetic, and time on this machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from alloygan.assembler import assemble, example_condition
from alloygan.data.condition_space import ConditionSpace
from alloygan.data.held_out import condition_space_of, load_data
from alloygan.layer_table import layer_rows
from alloygan.specs.gan import GanSpec
from alloygan.sweeps.grid import Ablation
from alloygan.training.device import choose_device
from alloygan.training.length import images_of

_TIMED_IMAGES = 16


@dataclass(frozen=True)
class Cost:
    """Parameters of the networks, real images of a training, its floating-point operations, and seconds.

    Operations and seconds are of the networks' forward and backward passes: what a loss does besides (penalties,
    further forward passes) and the measuring afterwards are not in them.
    """

    generator_parameters: int
    critic_parameters: int
    images: int
    flop: float
    seconds: float


def estimate(spec: GanSpec, space: ConditionSpace, patches: int) -> Cost:
    """Estimate the cost of a training on so many patches by timing one generator update's passes on a small batch."""
    gan = assemble(spec, space)
    one = example_condition(gan.site, 2)
    forward = [
        sum(row.multiply_adds for row in rows)
        for rows in (
            layer_rows(gan.generator, torch.zeros(2, gan.generator.noise_width), one),
            layer_rows(gan.critic, torch.zeros(2, *gan.site.image_shape), one),
        )
    ]
    training = spec.training
    images = images_of(training, patches)
    updates = training.critic_updates
    # A backward pass is two forward ones. Critic: fake images without one, real and fake judged with it.
    multiply_adds = updates * (forward[0] + 6 * forward[1]) + 3 * (forward[0] + forward[1])
    device = choose_device(training.device)
    batch = min(training.batch_size, _TIMED_IMAGES)
    generator, critic = gan.generator.to(device), gan.critic.to(device)
    condition = example_condition(gan.site, batch).to(device)
    noise = torch.randn(batch, generator.noise_width, device=device)
    real = torch.randn(batch, *gan.site.image_shape, device=device)

    def update() -> None:
        for _ in range(updates):
            with torch.no_grad():
                fake = generator(noise, condition)
            (critic(real, condition).score.mean() - critic(fake, condition).score.mean()).backward()  # type: ignore[no-untyped-call]
        critic(generator(noise, condition), condition).score.mean().backward()  # type: ignore[no-untyped-call]

    seconds = _best_time(update, device)
    parameters = [sum(one.numel() for one in network.parameters()) for network in (generator, critic)]
    per_image = seconds / (updates * batch)
    return Cost(parameters[0], parameters[1], images, 2.0 * multiply_adds * images / updates, per_image * images)


def _best_time(work: Callable[[], None], device: torch.device) -> float:
    """Seconds of the fastest of five runs after one that is not counted: others may work on the machine too."""
    times = []
    for _ in range(6):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def _training_patches(spec: GanSpec) -> int:
    """How many training patches there are: counted, or from the data set's own knowledge."""
    known = spec.data.training_patches(spec.conditions)
    if known is None:
        return len(load_data(spec).train)
    space = condition_space_of(spec)
    # Where conditions are held out, every condition has as many.
    return known * (len(space.table) - len(space.held_out)) // len(space.table) if space.table else known


def estimate_cells(ablation: Ablation, report: Callable[[str, int, int], None]) -> dict[str, Cost]:
    """The cost of one seed of every cell, by name; a data set is built where only it tells how many patches it has."""
    costs: dict[str, Cost] = {}
    patches: dict[str, int] = {}
    for done, cell in enumerate(ablation.cells):
        report("estimate", done, len(ablation.cells))
        spec = cell.runs[0].spec
        count = 0
        if spec.training.images is None:
            key = spec.data.model_dump_json()
            if key not in patches:
                patches[key] = _training_patches(spec)
            count = patches[key]
        costs[cell.name] = estimate(spec, condition_space_of(spec), count)
    report("estimate", len(ablation.cells), len(ablation.cells))
    return costs
