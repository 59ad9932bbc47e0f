"""A generator to share: `generator.safetensors` and `model.json`, which need no data set and cannot run code."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from alloygan.assembler import assemble, build_generator, site_of
from alloygan.data.condition_space import ConditionSpace, Row
from alloygan.data.patches import to_grey_levels
from alloygan.data.training_hull import nearest_trained
from alloygan.errors import DataError, RunFolderError
from alloygan.files import read_json, write_bytes, write_json
from alloygan.interfaces.condition import Condition
from alloygan.interfaces.critic import Critic
from alloygan.interfaces.generator import Generator
from alloygan.interfaces.streams import stream
from alloygan.specs.components import ComponentSpec, GeneratorSpec
from alloygan.specs.gan import GanSpec
from alloygan.zoo import Zoo

WEIGHTS = "generator.safetensors"
MODEL = "model.json"
CRITIC = "critic.safetensors"
SCHEMA = 1
_BATCH = 64


@dataclass(frozen=True)
class SharedGenerator:
    """A generator in evaluation mode with the condition space it was trained in."""

    name: str
    generator: Generator
    spec: GeneratorSpec
    space: ConditionSpace
    image_shape: tuple[int, int, int]
    um_per_px: float | None
    images_seen: int

    def check(self, row: Row) -> None:
        """Raise DataError where this generator cannot be asked for a condition off its table."""
        if needs_label(self.spec) and self.space.label(row) < 0:
            near = nearest_trained(self.space, row)
            trained = [one for label, one in enumerate(self.space.table) if label not in self.space.held_out]
            known = "; ".join(self.space.text(one) for one in trained)
            raise DataError(
                f"{self.space.text(row)}: this generator knows classes only (its conditioner needs an id), and this is "
                f"none of them. Nearest: {self.space.text(near) if near else '(none)'}. Known: {known}. "
                "For conditions between them, train with a conditioner for continuous values, such as continuous_mlp."
            )

    def served_by(self, row: Row) -> Row:
        """The condition that the generator is asked for: the one given, or for a held-out one the nearest that was
        trained on, if the generator knows classes only.
        """
        if needs_label(self.spec) and self.space.label(row) in self.space.held_out:
            return nearest_trained(self.space, row) or row
        return row

    def sample(self, row: Row, count: int, seed: int) -> Tensor:
        """Images (count, C, H, W) uint8 of one condition; noise i depends on (seed, i) alone. Raises DataError."""
        self.check(row)
        return self.sample_at(self.space.condition([self.served_by(row)] * count), seed)

    @torch.inference_mode()
    def sample_at(self, condition: Condition, seed: int) -> Tensor:
        """Images (B, C, H, W) uint8 of B conditions; image i has noise i."""
        device = next(self.generator.parameters()).device
        parts = []
        for start in range(0, len(condition), _BATCH):
            some = condition[start : start + _BATCH].to(device)
            noise = torch.stack([noise_vector(seed, start + i, self.generator.noise_width) for i in range(len(some))])
            parts.append(to_grey_levels(self.generator(noise.to(device), some)).cpu())
        return torch.cat(parts)


def noise_vector(seed: int, number: int, width: int) -> Tensor:
    """The noise z (width,) of sample `number`: the same for every condition (the columns of the paper's Figure 2)."""
    return torch.randn(width, generator=stream(seed, "sample", number))


def needs_label(spec: ComponentSpec) -> bool:
    """Whether a component or a part of it needs an id in the table of conditions."""
    inner = (getattr(spec, name) for name in type(spec).model_fields)
    return "label" in spec.needs or any(needs_label(part) for part in inner if isinstance(part, ComponentSpec))


def save_generator(
    folder: Path,
    generator: Generator,
    spec: GeneratorSpec,
    space: ConditionSpace,
    *,
    name: str,
    image_shape: tuple[int, int, int],
    um_per_px: float | None,
    images_seen: int,
) -> None:
    """Write both files, each atomically."""
    tensors = {key: value.detach().cpu().contiguous() for key, value in generator.state_dict().items()}
    write_bytes(folder / WEIGHTS, save(tensors, metadata={"format": "pt"}))
    write_json(
        folder / MODEL,
        {
            "schema": SCHEMA,
            "name": name,
            "generator": spec.model_dump(mode="json"),
            "conditions": space.to_json(),
            "image_shape": list(image_shape),
            "um_per_px": um_per_px,
            "images_seen": images_seen,
            "alloygan": version("alloygan"),
        },
    )


def save_critic(folder: Path, critic: Critic) -> None:
    """Write `critic.safetensors`, which measuring its embeddings takes; sampling does not."""
    tensors = {key: value.detach().cpu().contiguous() for key, value in critic.state_dict().items()}
    write_bytes(folder / CRITIC, save(tensors, metadata={"format": "pt"}))


def load_critic(
    folder: Path, spec: GanSpec, space: ConditionSpace, device: torch.device | str = "cpu"
) -> Critic | None:
    """The critic of a run in evaluation mode; None where it was not saved. Raises RunFolderError if it does not fit."""
    if not (folder / CRITIC).is_file():
        return None
    tensors = _read_weights(folder / CRITIC)
    critic = assemble(spec, space).critic
    _check_shapes(critic, tensors, folder / CRITIC, "the critic of spec.yaml")
    critic.load_state_dict(tensors)
    return critic.to(device).eval()


def load_generator(folder: str | Path, zoo: Zoo, device: torch.device | str = "cpu") -> SharedGenerator:
    """Load a generator from a folder that holds `generator.safetensors` and `model.json`.

    Raises RunFolderError if a file is missing, broken or does not fit the other, SpecError if the kind of generator
    is not in the zoo.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: there is no such folder")
    for file in (WEIGHTS, MODEL):
        if not (folder / file).is_file():
            hint = " (the run has no checkpoint yet)" if (folder / "spec.yaml").is_file() else ""
            raise RunFolderError(
                f"{folder}: there is no {file}{hint}; a model to sample from has {WEIGHTS} and {MODEL}"
            )
    model = read_json(folder / MODEL)
    if model.get("schema") != SCHEMA:
        raise RunFolderError(f"{folder / MODEL}: schema {model.get('schema')!r}; this alloygan reads {SCHEMA}")
    try:
        space = ConditionSpace.from_json(model["conditions"])
        spec: GeneratorSpec = zoo.spec_from_values(model["generator"], "generator")
        channels, height, width = map(int, model["image_shape"])
        um_per_px = None if model["um_per_px"] is None else float(model["um_per_px"])
        name, images_seen = str(model["name"]), int(model["images_seen"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunFolderError(f"{folder / MODEL}: not complete: {type(error).__name__}: {error}") from None
    problem = "at least 1 each" if min(channels, height, width) < 1 else spec.size_problem((channels, height, width))
    if problem:
        raise RunFolderError(f"{folder / MODEL}: image_shape: {problem}")
    tensors = _read_weights(folder / WEIGHTS)
    site = site_of((channels, height, width), space)
    # Shapes first, without memory: a wrong number in model.json must not ask for all there is.
    outline = None
    with suppress(RuntimeError, NotImplementedError), torch.device("meta"):
        outline = spec.build(site)
    if outline is not None:
        _check_shapes(outline, tensors, folder / WEIGHTS)
    generator = build_generator(spec, site)
    _check_shapes(generator, tensors, folder / WEIGHTS)
    generator.load_state_dict(tensors)
    return SharedGenerator(
        name, generator.to(device).eval(), spec, space, (channels, height, width), um_per_px, images_seen
    )


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        tensors = load_file(path)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise RunFolderError(f"{path}: not a whole safetensors file: {error}") from None
    broken = sorted(key for key, value in tensors.items() if not bool(value.isfinite().all()))
    if broken:
        raise RunFolderError(f"{path}: not finite: {_first(broken)}; take the files of a run that did not diverge")
    return tensors


def _check_shapes(
    part: nn.Module, tensors: Mapping[str, Tensor], path: Path, what: str = f"the generator in {MODEL}"
) -> None:
    expected = part.state_dict()
    wrong = sorted(
        key
        for key in expected.keys() | tensors.keys()
        if key not in expected or key not in tensors or expected[key].shape != tensors[key].shape
    )
    if wrong:
        raise RunFolderError(f"{path}: does not fit {what} beside it ({_first(wrong)}); take both files from one run")


def _first(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
