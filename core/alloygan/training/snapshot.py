"""A picture of what the generator makes, written with every checkpoint."""

from pathlib import Path

import torch

from alloygan.data.patches import Data, to_grey_levels
from alloygan.files import write_bytes
from alloygan.interfaces.generator import Generator
from alloygan.pictures import enlarged, grid_of, png_bytes
from alloygan.sharing import noise_vector

_ROWS, _COLUMNS = 12, 8


@torch.no_grad()
def save_snapshot(folder: Path, generator: Generator, data: Data, seed: int, images_seen: int) -> None:
    """Write `FOLDER/<images seen>.png`: a row a condition (at most 12, spread over the table), a column a noise.

    The noise is the same for every row and every moment of the training. Without a table, the rows are conditions of
    training images.
    """
    device = next(generator.parameters()).device
    noise = torch.stack([noise_vector(seed, i, generator.noise_width) for i in range(_COLUMNS)]).to(device)
    conditions = data.space.condition(data.space.table) if data.space.table else data.train.condition
    shown = range(0, len(conditions), -(-len(conditions) // _ROWS))
    rows = []
    for i in shown:
        condition = conditions[torch.full((_COLUMNS,), i)].to(device)
        rows.append([enlarged(image) for image in to_grey_levels(generator(noise, condition)).cpu().numpy()])
    write_bytes(folder / f"{images_seen:012d}.png", png_bytes(grid_of(rows)))
