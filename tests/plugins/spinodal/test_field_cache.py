"""The cache on disk: the bits that would be computed, or nothing."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from alloygan import Zoo
from alloygan.data.patches import Data
from alloygan.errors import DataError
from alloygan_plugins.spinodal import simulations
from alloygan_plugins.spinodal.field_cache import FieldCache

SMALL = {
    "kind": "spinodal",
    "composition": [0.4, 0.6],
    "gradient_energy": [0.5],
    "time": [5, 10],
    "size": 16,
    "runs": 2,
    "evaluation_runs": 1,
}
RANDOM = {"design": "random", "runs": 4}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cache"


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the first simulations of the batches that were computed."""
    real, calls = simulations._computed, []

    def counting(spec: Any, batch: Any) -> torch.Tensor:
        calls.append(batch[0].number)
        return real(spec, batch)

    monkeypatch.setattr(simulations, "_computed", counting)
    return calls


def make(zoo: Zoo, cache: Path | None, **fields: Any) -> Data:
    values = SMALL | fields | ({} if cache is None else {"cache": str(cache)})
    data = zoo.spec_from_values(values, "dataset").build(())
    assert isinstance(data, Data)
    return data


def same(one: Data, other: Data) -> bool:
    return torch.equal(one.train.images, other.train.images) and torch.equal(
        one.evaluation.images, other.evaluation.images
    )


@pytest.mark.parametrize("design", [{}, RANDOM, {"misfit": [0, 0.3]}])
def test_the_cache_gives_the_bits_that_are_computed(
    zoo: Zoo, cache: Path, computed: list[int], design: dict[str, Any]
) -> None:
    without = make(zoo, None, **design)
    first = make(zoo, cache, **design)
    assert computed == [0, 0]
    second = make(zoo, cache, **design)
    assert computed == [0, 0]
    assert same(without, first)
    assert same(first, second)


def test_fields_themselves_come_back_to_the_last_bit(zoo: Zoo, cache: Path) -> None:
    spec, plain = (zoo.spec_from_values(SMALL | extra, "dataset") for extra in ({"cache": str(cache)}, {}))
    for _ in range(2):
        for (_, kept), (_, fresh) in zip(simulations.fields_of(spec), simulations.fields_of(plain), strict=True):
            assert kept.dtype == torch.float32
            assert torch.equal(kept, fresh)


@pytest.mark.parametrize(
    "change",
    [
        {"composition": [0.4, 0.61]},
        {"gradient_energy": [0.6]},
        {"time": [5, 11]},
        {"misfit": [0.1]},
        {"size": [16, 17]},
        {"noise": 0.03},
        {"seed": 1},
        {"runs": 3},
        RANDOM,
    ],
)
def test_what_changes_the_fields_is_computed_again(
    zoo: Zoo, cache: Path, computed: list[int], change: dict[str, Any]
) -> None:
    make(zoo, cache)
    changed = make(zoo, cache, **change)
    assert computed == [0, 0]
    assert same(changed, make(zoo, None, **change))


def test_moduli_count_only_with_a_misfit(zoo: Zoo, cache: Path, computed: list[int]) -> None:
    make(zoo, cache)
    make(zoo, cache, moduli=[1.0, 0.3, 0.8])
    assert computed == [0]
    make(zoo, cache, misfit=[0.3])
    make(zoo, cache, misfit=[0.3], moduli=[1.0, 0.3, 0.8])
    assert computed == [0, 0, 0]


@pytest.mark.parametrize("change", [{"pool": 2}, {"patch": 8}, {"patch": 8, "stride": 4}, {"grey_range": [0, 1]}])
def test_what_only_shows_the_fields_otherwise_is_not(
    zoo: Zoo, cache: Path, computed: list[int], change: dict[str, Any]
) -> None:
    make(zoo, cache)
    make(zoo, cache, **change)
    assert computed == [0]


def test_simulations_that_are_added_leave_full_batches_before_them(zoo: Zoo, cache: Path, computed: list[int]) -> None:
    few: dict[str, Any] = {"size": 256, "time": [0.1], "composition": [0.5], "evaluation_runs": 0}
    make(zoo, cache, **few, runs=2)
    make(zoo, cache, **few, runs=5)
    assert computed == [0, 2, 4]


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def change_the_header(path: Path) -> None:
    save_file({"composition": load_file(path)["composition"]}, path, {"law": "another"})


def other_shape(path: Path) -> None:
    save_file({"composition": torch.zeros(2, 3)}, path)


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_bit,
        change_the_header,
        other_shape,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_bytes(path.read_bytes()[:-4]),
        lambda path: path.write_text("not a cache of anything"),
        lambda path: path.write_bytes(b"\xff" * 500),
        lambda path: save_file({"something": torch.zeros(3)}, path),
    ],
)
def test_a_damaged_or_foreign_file_is_computed_again_and_replaced(
    zoo: Zoo, cache: Path, computed: list[int], damage: Callable[[Path], Any]
) -> None:
    whole = make(zoo, cache)
    (file,) = cache.glob("*.safetensors")
    damage(file)
    assert same(make(zoo, cache), whole)
    assert computed == [0, 0]
    make(zoo, cache)
    assert computed == [0, 0]


def test_fields_of_another_seed_under_this_name_are_not_taken(zoo: Zoo, cache: Path) -> None:
    whole = make(zoo, cache)
    (file,) = cache.glob("*.safetensors")
    make(zoo, cache, seed=1)
    (other,) = set(cache.glob("*.safetensors")) - {file}
    file.write_bytes(other.read_bytes())
    assert same(make(zoo, cache), whole)


def test_nothing_but_whole_files_is_left(zoo: Zoo, cache: Path) -> None:
    make(zoo, cache)
    assert [path.suffix for path in cache.iterdir()] == [".safetensors"]


def test_readers_beside_writers_get_whole_fields_or_none(cache: Path) -> None:
    fields = torch.arange(64**2 * 8, dtype=torch.float32).reshape(1, 8, 64, 64)
    FieldCache(cache).write({"number": 0}, fields)

    def work(number: int) -> list[torch.Tensor | None]:
        found: list[torch.Tensor | None] = []
        for i in range(25):
            place = FieldCache(cache)
            law = {"number": i % 3}
            if number % 2:
                place.write(law, fields + i % 3)
            else:
                found.append(place.read(law, fields.shape))
                assert found[-1] is None or torch.equal(found[-1], fields + i % 3)
        return found

    with ThreadPoolExecutor(4) as pool:
        found = [one for some in pool.map(work, range(4)) for one in some]
    assert len(found) == 50
    assert sum(one is not None for one in found) >= 18  # at least those that were there before
    assert len(list(cache.iterdir())) == 3


@pytest.mark.slow
def test_two_processes_may_share_a_folder(zoo: Zoo, cache: Path) -> None:
    values = SMALL | {"cache": str(cache), "time": [1, 2], "runs": 40}
    script = (
        "import torch; torch.set_num_threads(1)\n"
        "from alloygan import load_zoo\n"
        f"load_zoo().spec_from_values({values!r}, 'dataset').build(())\n"
    )
    both = [subprocess.Popen([sys.executable, "-W", "error", "-c", script]) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    assert same(make(zoo, cache, time=[1, 2], runs=40), make(zoo, None, time=[1, 2], runs=40))


def test_a_cache_that_is_a_file_is_refused_before_anything_is_simulated(
    zoo: Zoo, tmp_path: Path, computed: list[int]
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    spec = zoo.spec_from_values(SMALL | {"cache": str(file)}, "dataset")
    with pytest.raises(DataError, match="not a folder"):
        spec.check_inputs(())
    for place in (file, file / "below"):
        with pytest.raises(DataError, match=r"cannot be kept there.*name another folder"):
            make(zoo, place)
    assert computed == []


def test_the_cache_lies_beside_the_spec_file(zoo: Zoo, tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text("extends: zoo:demo\nname: cached\ndata: {cache: fields}\n")
    assert zoo.read_spec(str(file)).data.cache == tmp_path / "fields"
