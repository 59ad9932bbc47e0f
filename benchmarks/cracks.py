"""How many drawn cracks does `alloygan prepare` find, and does it find any where there are none?

Micrographs without cracks: spinodal decomposition, the synthetic alloy, dark particles, lamellae, and real ones that
are named. The same again with jagged dark lines of known place drawn over them; the synthetic alloy draws its own.

python benchmarks/cracks.py --micrographs ni/*.jpg --json cracks.json
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from alloygan.data.images import read_image
from alloygan.preparation.cracks import find_cracks
from alloygan_plugins.spinodal.specs import Spinodal
from alloygan_plugins.synthetic_alloy.specs import SyntheticAlloy
from failures import told_in_one_message
from numbers_given import at_least
from result_page import file_to_write

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Case = tuple[str, Grey, Mask | None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Look for cracks in every case, print a table, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--micrographs", type=Path, nargs="*", default=[], help="real micrographs without cracks")
    parser.add_argument("--repeats", type=at_least(1), default=4, help="cracks drawn over each real one, one at a time")
    parser.add_argument("--json", type=file_to_write, help="write the scores there")
    with told_in_one_message():
        _look(parser.parse_args(arguments))


def _look(asked: argparse.Namespace) -> None:
    scores: dict[str, dict[str, Any]] = {}
    for name, image, truth in _cases(asked.micrographs, asked.repeats):
        score = scores.setdefault(
            name, {"whole": 0, "false": 0, "cracked": 0, "found": 0, "recall": [], "precision": []}
        )
        finding = find_cracks(image.astype(np.float32))
        if truth is None:
            score["whole"] += 1
            score["false"] += bool(finding.cracks)
            continue
        near = ndimage.binary_dilation(finding.mask, iterations=3)
        recall = float((near & truth).sum() / truth.sum())
        score["cracked"] += 1
        score["found"] += recall > 0.5
        score["recall"].append(recall)
        if finding.mask.any():
            about = ndimage.binary_dilation(truth, iterations=4)
            score["precision"].append(float((finding.mask & about).sum() / finding.mask.sum()))
    table = Table("images", "without", "of these, cracks found", "with", "of these, found", "px found", "px right")
    for name, score in scores.items():
        score["recall"] = float(np.mean(score["recall"])) if score["recall"] else None
        score["precision"] = float(np.mean(score["precision"])) if score["precision"] else None
        shares = ["–" if score[key] is None else f"{score[key]:.2f}" for key in ("recall", "precision")]
        table.add_row(name, *(str(score[key]) for key in ("whole", "false", "cracked", "found")), *shares)
    Console().print(table)
    if asked.json:
        asked.json.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")


def _cases(micrographs: Sequence[Path], repeats: int) -> Iterator[Case]:
    random = np.random.default_rng(0)
    for path in micrographs:
        image = read_image(path)[0]
        yield "real", image, None
        for _ in range(repeats):
            yield "real", *_cracked(image, random)
    for composition, time in product((0.3, 0.4, 0.5, 0.6, 0.7), (100.0, 400.0)):
        spec = Spinodal(composition=(composition,), time=(time,), runs=1, evaluation_runs=0, size=(256, 256))
        image = next(spec.micrographs(())).image[0]
        yield "spinodal", image, None
        yield "spinodal", *_cracked(_brighter(image), random)
    for drift in (0.0, 0.2, 0.4):
        for cracks in (0, 1, 3):
            alloy = SyntheticAlloy(
                training_micrographs=1, evaluation_micrographs=0, cracks=cracks, contrast_drift=drift, seed=cracks
            )
            for one in alloy.micrographs(()):
                yield f"synthetic alloy, drift {drift:g}", one.image[0], one.crack_mask if cracks else None
    for count, radii in ((20, (6, 22)), (60, (6, 22)), (150, (4, 10)), (300, (3, 6))):
        image = _particles(count, radii, random)
        yield "dark particles", image, None
        yield "dark particles", *_cracked(_brighter(image), random)
    for spacing, share in product((8, 20, 60), (0.1, 0.3, 0.5)):
        image = _lamellae(spacing, share, random)
        yield "lamellae", image, None
        yield "lamellae", *_cracked(_brighter(image), random)


def _brighter(image: Grey) -> Grey:
    """Room below the dark phase: where it is black, nothing could be darker."""
    return (0.6 * image + 80).clip(0, 255).astype(np.uint8)


def _cracked(image: Grey, random: np.random.Generator) -> tuple[Grey, Mask]:
    """A jagged line with gaps, 0.2 to 0.5 of the longer side long, 3 to 8 px wide, 40 to 80 levels below the image."""
    height, width = image.shape
    steps, length = 24, random.uniform(0.2, 0.5) * max(image.shape)
    turns = random.uniform(0, 2 * np.pi) + 0.5 * random.standard_normal(steps)
    points = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], axis=1) * length / steps, axis=0)
    points += np.array([width, height]) * random.uniform(0.3, 0.7, 2) - points[steps // 2]
    thick = random.uniform(3, 8)
    cover = Image.new("L", (2 * width, 2 * height))
    draw = ImageDraw.Draw(cover)
    for start, end in pairwise(points):
        if random.random() < 0.06:
            continue
        draw.line([tuple(2 * start), tuple(2 * end)], fill=255, width=round(2 * thick))
        for x, y in (2 * start, 2 * end):
            draw.ellipse([x - thick, y - thick, x + thick, y + thick], fill=255)
    share = np.asarray(cover.resize((width, height), Image.Resampling.BOX)) / 255
    level = max(0.0, np.percentile(image, 0.5) - random.uniform(40, 80))
    cracked = image * (1 - share) + share * (level + 5 * random.standard_normal(image.shape))
    return np.rint(cracked).clip(0, 255).astype(np.uint8), share > 0.5


def _particles(count: int, radii: tuple[float, float], random: np.random.Generator) -> Grey:
    y, x = np.mgrid[:512, :512]
    dark = np.zeros(x.shape, dtype=bool)
    for _ in range(count):
        at = random.uniform(0, 512, 2)
        dark |= (y - at[0]) ** 2 + (x - at[1]) ** 2 < random.uniform(*radii) ** 2
    return _noisy(dark, random)


def _lamellae(spacing: float, share: float, random: np.random.Generator) -> Grey:
    y, x = np.mgrid[:512, :512]
    bend = ndimage.gaussian_filter(random.standard_normal(x.shape), 40)
    phase = 2 * np.pi * (x + 0.3 * y) / spacing + bend / bend.std()
    return _noisy(np.cos(phase) > np.cos(np.pi * share), random)


def _noisy(dark: Mask, random: np.random.Generator) -> Grey:
    image = np.where(dark, 50.0, 175.0) + 8 * random.standard_normal(dark.shape)
    return np.rint(ndimage.gaussian_filter(image, 0.8)).clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
