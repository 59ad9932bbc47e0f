"""The scripts that time a training step run at a small size: smoke tests, not timing tests."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from alloygan import Zoo
from alloygan.data.held_out import load_data

TINY = [
    part
    for text in (
        "data.size=32", "data.runs=1", "data.evaluation_runs=1", "data.time=[5]", "data.stride=32", "critic.width=4",
        "training.batch_size=8",
    )
    for part in ("--set", text)
]  # fmt: skip

LOSSES = ("contragan_2c", "proportional_2c")


def test_throughput_times_the_real_loop(run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = ["--warm-up", "1", "--updates", "2", "--repetitions", "2", "--batch-sizes", "4", "8", "--rounds", "2"]
    modes = ["--modes", "fp32", "bf16+channels_last"]
    found = run("throughput", "zoo:demo", *TINY, *counts, *modes, "--page", str(tmp_path))
    rows = found["rows"]
    assert [(row["batch_size"], row["mode"]) for row in rows] == [
        (4, "fp32"), (4, "bf16+channels_last"), (8, "fp32"), (8, "bf16+channels_last"),
    ]  # fmt: skip
    assert all(row["fastest"] >= row["images_per_s"] >= row["slowest"] > 0 for row in rows)
    parts = rows[0]["parts"]
    assert {"data", "generator", "critic", "loss adversarial", "loss contrastive", "optimiser"} <= set(parts)
    assert sum(share for part, share in parts.items() if part != "other") > 0.5
    assert all(row["peak_memory_mib"] > 50 for row in rows)
    assert "gradient of the critic" in capsys.readouterr().out
    (page,) = tmp_path.glob("throughput_demo_cpu_*.md")
    text = page.read_text()
    assert "`python benchmarks/throughput.py zoo:demo" in text
    assert "torch 2." in text
    assert "kind: spinodal" in text


@pytest.mark.parametrize("words", [["--modes", "fp16"], ["--modes", "fp32+nots"], ["--modes", "fp32+graph"]])
def test_a_mode_that_cannot_be_is_refused(refused: Any, words: list[str]) -> None:
    for script in ("throughput", "roofline"):
        assert refused(script, "zoo:demo", *TINY, *words)


def test_what_belongs_to_no_part_is_other(module: Any) -> None:
    device = torch.autograd.DeviceType

    def event(name: str, start: float, end: float, where: Any = device.CPU, kernels: tuple[Any, ...] = ()) -> Any:
        time = SimpleNamespace(start=start, end=end, elapsed_us=lambda: end - start)
        return SimpleNamespace(name=name, time_range=time, device_type=where, kernels=kernels, is_user_annotation=False)

    parts_of = module("throughput").parts_of
    marks = [event("alloygan: critic", 0, 1e6), event("alloygan: data", 2e6, 2.5e6), event("aten::mm", 0, 4e6)]
    shares, busy = parts_of(marks, torch.device("cpu"), 4.0)
    assert shares == {"other": 0.625, "critic": 0.25, "data": 0.125}
    assert busy is None
    kernel = SimpleNamespace(duration=1e6)
    launches = [event("aten::mm", 5e5, 6e5, kernels=(kernel,)), event("aten::mm", 3e6, 3.1e6, kernels=(kernel,))]
    kernels = [event("kernel", 0, 1e6, device.CUDA) for _ in range(4)]
    shares, busy = parts_of([*marks, *launches, *kernels], torch.device("cuda"), 100.0)
    assert shares == {"other": 0.75, "critic": 0.25}, "of the time that the device was busy"
    assert busy == 4


def test_throughput_times_whole_periods(run: Any) -> None:
    counts = ["--warm-up", "1", "--updates", "1", "--repetitions", "1", "--no-parts"]
    found = run("throughput", "zoo:demo", *TINY, *counts, "--set", "losses.contrastive.every=3")
    assert found["warm_up"] == "2 updates"
    assert "of 3 updates (1 asked for, rounded up" in found["repetitions"]


def test_the_roofline_is_measured(run: Any) -> None:
    counts = ["--warm-up", "1", "--updates", "2", "--repetitions", "2", "--large", "64"]
    (row,) = run("roofline", "zoo:demo", *TINY, *counts)["rows"]
    assert row["mb"] > 1
    assert 0 < row["norm_ms"] < row["library_ms"]
    assert 0 < row["reached"] < 2


@pytest.mark.parametrize("name", ["wgan-gp", "r3gan"])
def test_a_penalty_of_gradients_counts_with_its_own(module: Any, zoo: Zoo, name: str) -> None:
    penalties = {"wgan-gp": ["penalty"], "r3gan": ["real_gradient", "fake_gradient"]}[name]
    settings = [*TINY[1::2], "training.device=cpu", "training.critic_updates=1"]
    with_them = zoo.read_spec(f"zoo:{name}", settings)
    without = zoo.read_spec(f"zoo:{name}", [*settings, *(f"losses.{one}=null" for one in penalties)])
    data = load_data(with_them)
    operators_of = module("roofline").operators_of
    operators, counted = operators_of(with_them, data)
    assert counted > operators_of(without, data)[1]
    assert any(name == "convolution_backward" and call for (name, _), (_, call, _) in operators.items())


def test_operations_are_those_that_are_counted_by_hand(module: Any, zoo: Zoo) -> None:
    settings = [*TINY[1::2], "training.device=cpu"]
    spec = zoo.read_spec("zoo:demo", [*settings, "losses.contrastive=null"])
    data = load_data(spec)
    operators_of = module("roofline").operators_of
    operators, counted = operators_of(spec, data)

    def layer(inputs: int, outputs: int, *, places: int = 1, taps: int = 1) -> int:
        """Forward, of 8 images; each of the gradients of its weight and of its input takes as many."""
        return 2 * 8 * inputs * outputs * places * taps

    first_of_condition = layer(2, 64)
    generator = first_of_condition + layer(64, 16) + layer(64 + 16, 128 * 4 * 4)
    generator += layer(128, 64, places=4 * 4, taps=16) + layer(64, 32, places=8 * 8, taps=16)
    generator += layer(32, 1, places=16 * 16, taps=16)
    first = layer(1, 4, places=16 * 16, taps=16)
    others = layer(4, 8, places=8 * 8, taps=16) + layer(8, 16, places=4 * 4, taps=16) + layer(256, 1)
    condition = layer(8, 256)
    unused = layer(256, 1024) + layer(1024, 64) + layer(8, 64)  # for contrastive losses, so they have no gradient
    by_hand = 2 * generator + 2 * generator - first_of_condition  # for both steps; and gradients, not to the condition
    by_hand += 3 * (first + others + condition + unused)  # real and generated images, and the generator's
    by_hand += 2 * (first + 2 * others + condition)  # the critic's gradients, not to images and conditions
    by_hand += first + others  # to the generator's images
    assert counted == by_hand
    assert sum(count for (name, _), (count, call, _) in operators.items() if name == "convolution" and call) == 15

    _, always = operators_of(zoo.read_spec("zoo:demo", settings), data)
    _, sometimes = operators_of(zoo.read_spec("zoo:demo", [*settings, "losses.contrastive.every=2"]), data)
    assert sometimes == (counted + always) / 2, "the mean over a period"


def test_operators_are_known_by_their_whole_names(module: Any) -> None:
    roofline = module("roofline")
    with roofline._Noted() as noted:
        torch.ones(1, 2, 4, 4).cummax(dim=0)
        torch.nn.functional.interpolate(torch.ones(1, 2, 4, 4), scale_factor=2, mode="bilinear")
        torch.ones(2, 3) @ torch.ones(3, 2)
        torch.nn.functional.batch_norm(torch.ones(2, 3), None, None, training=True)
    called = {name for (name, _), (call, _) in noted.calls.items() if call}
    assert {name for name, _ in noted.calls} >= {"cummax", "upsample_bilinear2d", "mm", "native_batch_norm"}
    assert called == {"mm"}
    assert "native_batch_norm" in roofline.COPIES
    assert not {"cummax", "upsample_bilinear2d"} & roofline.COPIES


def test_the_losses_agree_before_they_are_timed(run: Any) -> None:
    found = run("losses", "--m", "16", "520", "--features", "16", "--repetitions", "1")
    rows = found["rows"]
    assert len(rows) == 2 * (6 + 5)
    assert len({round(row["value"], 4) for row in rows}) == 4, "each way gives the loss's value"
    assert all(row["ms"] > 0 for row in rows)
    assert found["notes"] == ["m = 520: loop left out: loop takes at most 512 images."]
    mib = {(row["loss"], row["m"], row["way"]): row["mib"] for row in rows}
    # All pairs with 16 features are 16.5 MiB, which are there whatever ran before.
    assert all(mib[name, 520, "masks"] > 16 > mib[name, 520, "in eight pieces"] for name in LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_the_plain_way_is_the_loop_all_at_once(module: Any, name: str) -> None:
    losses = module("losses")
    random = torch.Generator().manual_seed(1)
    image, condition = (torch.randn(12, 5, generator=random).requires_grad_() for _ in range(2))
    labels = torch.randint(3, (12,), generator=random)
    found = [losses.LOSSES[name][way](image, condition, labels) for way in ("plain", "loop")]
    torch.testing.assert_close(*found)
    gradients = [torch.autograd.grad(value, (image, condition)) for value in found]
    torch.testing.assert_close(*gradients)
    assert losses._most("plain") == 8192


def test_ways_take_turns_after_an_untimed_call(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = module("losses")
    calls: list[str] = []

    class Work:
        def __init__(self, *_: Any) -> None:
            pass

        def __call__(self, way: str) -> tuple[float, float]:
            calls.append(way)
            return 1.0, 1.0

    monkeypatch.setattr(losses, "_Work", Work)
    options = SimpleNamespace(ways=["masks", "alloygan"], repetitions=2)
    failures = module("failures").Failures()
    rows = list(losses._rows("contragan_2c", 16, options, torch.device("cpu"), failures))
    assert not failures
    assert calls[2:] == ["masks", "masks", "alloygan", "alloygan", "alloygan", "alloygan", "masks", "masks"]
    assert [row["way"] for row in rows] == ["masks", "alloygan"]


def test_where_every_way_is_left_out_it_is_said(refused: Any) -> None:
    said = refused("losses", "--m", "4096", "--ways", "masks", "loop")
    assert said.startswith("error: nothing is left to measure: masks takes at most 2,048 images")


def test_a_way_that_fails_or_differs_leaves_the_others(
    run: Any, module: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    losses = module("losses")
    values = {("eq. 1", "masks"): 2.0}

    class Work:
        def __init__(self, name: str, *_: Any) -> None:
            self.name = name

        def __call__(self, way: str) -> tuple[float, float]:
            if way == "loop":
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return values.get((self.name, way), 1.0), 1.0

    monkeypatch.setattr(losses, "_Work", Work)
    result = module("result_page").Result("losses", "?", {"way": ("way", "")})
    options = SimpleNamespace(ways=["alloygan", "masks", "loop"], repetitions=1, json=None, page=None)
    for name in ("2C", "eq. 1"):
        with result.failures.noted(name):
            result.rows += losses._rows(name, 16, options, torch.device("cpu"), result.failures)
    assert [row["way"] for row in result.rows] == ["alloygan", "masks"]
    with pytest.raises(SystemExit) as ended:
        module("result_page").show(result, options, torch.device("cpu"))
    assert ended.value.code == 1
    said = capsys.readouterr().out.replace("\n", " ")
    assert "2C, m = 16, loop failed: CUDA out of memory. The device has not enough memory" in said
    assert "eq. 1 failed: masks gives 2, alloygan gives 1" in said


def test_scaling_trains_in_so_many_processes(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--processes", "1", "2", "--updates", "2", "--repetitions", "1", "--images-each", "4"]
    rows = run("scaling", "zoo:demo", *TINY, *words)["rows"]
    assert [(row["processes"], row["batch_size"]) for row in rows] == [
        (1, 8), (2, 8), (8, 8), (8, 32), (64, 256), (256, 1024), (512, 2048),
    ]  # fmt: skip
    assert rows[0]["gradients_mib"] == rows[0]["gathered_mib"] == rows[0]["messages"] == 0
    assert rows[2]["gradients_mib"] == pytest.approx(rows[1]["gradients_mib"] * (7 / 8) / (1 / 2))
    assert rows[2]["gathered_mib"] == pytest.approx(rows[1]["gathered_mib"] * (7 / 8) / (1 / 2))
    assert rows[6]["gathered_mib"] == pytest.approx(rows[1]["gathered_mib"] * 511)
    assert rows[6]["pairs"] == 2048**2
    assert rows[1]["images_per_s"] > 0
    assert rows[1]["speed"] == pytest.approx(rows[1]["images_per_s"] / rows[0]["images_per_s"])
    assert rows[2].get("images_per_s") is None, "what was not measured has no number"
    assert "neither grows" not in capsys.readouterr().out.lower()


def test_simulations_are_counted(run: Any) -> None:
    words = ["--sizes", "16", "--fields", "2", "--time", "2", "--micrograph", "160", "--repetitions", "1"]
    rows = run("simulation", *words)["rows"]
    assert [row["what"] for row in rows] == ["steps", "steps with misfit", "micrographs of the alloy (CPU)"]
    assert all(row["rate"] > 0 for row in rows)
