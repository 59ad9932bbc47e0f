"""How far is a training step from what this device can do at best?

Runs an update of a spec (its critic updates and its generator update), notes every operator of it with its shapes, and
measures what this device does at best for each alone: a matrix product, convolution or attention as the library does
it, repeated with the same shapes (convolutions in both memory formats, the faster counts); batch norm as a copy of as
many bytes at the measured bandwidth. Their sum is the limit of the step, and the limit over the time of the step says
how near it is. What is left out, elementwise operators and the optimisers', can be fused into the others or overlap
with them; its bytes at the same bandwidth stand beside the limit, as do the measured ceilings: a large copy, a large
matrix product. Where a loss is due at every n-th update alone, all numbers are means over a whole period of that.

python benchmarks/roofline.py zoo:jain2024-simulated --set data.runs=1 --modes fp32 tf32 bf16 bf16+nets+graph
python benchmarks/roofline.py zoo:demo --modes fp32 --json result.json
"""

import argparse
import math
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch is there, as the command line does

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop, sdpa_flop

import throughput
from alloygan import Data, load_zoo, train
from alloygan.data.held_out import load_data
from alloygan.specs.gan import GanSpec
from alloygan.training.float32 import float32_arithmetic
from alloygan.training.loop import Progress
from failures import told_in_one_message
from numbers_given import at_least
from periods import of_updates, period, warm_up, whole_periods
from result_page import Result, add_arguments, device_of, show
from spec_arguments import add_spec_arguments, read_spec

LIBRARY = frozenset((
    "mm", "addmm", "_addmm_activation", "bmm", "baddbmm", "linear", "linear_backward", "convolution", "_convolution",
    "convolution_backward", "convolution_overrideable", "cudnn_convolution", "_slow_conv2d_forward",
    *(
        f"{attention}{backward}"
        for attention in (
            "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_cudnn_attention", "_scaled_dot_product_flash_attention_for_cpu",
        )
        for backward in ("", "_backward")
    ),
))  # fmt: skip
"""Operators that a library computes, by their names."""

COPIES = frozenset((
    "native_batch_norm", "native_batch_norm_backward", "cudnn_batch_norm", "cudnn_batch_norm_backward",
    "miopen_batch_norm", "miopen_batch_norm_backward", "batch_norm_backward", "_native_batch_norm_legit",
    "_native_batch_norm_legit_functional", "_native_batch_norm_legit_no_training", "_batch_norm_with_update",
    "_batch_norm_with_update_functional", "_batch_norm_no_update",
))  # fmt: skip
"""Batch norms, which cannot be faster than a copy of what they read and write, by their names."""

_FREE = (
    "view", "_unsafe_view", "detach", "alias", "expand", "transpose", "permute", "select", "slice", "unsqueeze",
    "squeeze", "as_strided", "t", "split", "unbind", "empty", "new_empty", "empty_like", "lift_fresh",
)  # fmt: skip
"""Operators that move nothing, by their names."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write JSON and a page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_spec_arguments(parser)
    parser.add_argument("--modes", nargs="+", default=["fp32"], metavar="MODE", help="as of throughput.py")
    parser.add_argument("--batch-sizes", type=at_least(1), nargs="+", help="batch sizes; by default that of the spec")
    parser.add_argument("--warm-up", type=at_least(0), default=8, help="generator updates before the clock, at least")
    parser.add_argument("--updates", type=at_least(1), default=10, help="generator updates of one repetition, at least")
    parser.add_argument("--repetitions", type=at_least(1), default=5, help="repetitions, of which the median is taken")
    parser.add_argument(
        "--large", type=at_least(1), help="side of the large matrix product; else 8192, on the CPU 1024"
    )
    add_arguments(parser)
    options = parser.parse_args(arguments)
    options.no_parts = True
    device = device_of(options)
    with told_in_one_message():
        zoo = load_zoo(options.plugin)
        spec = read_spec(zoo, options, throughput.SET_BY)
        updates = of_updates(spec, options.updates)
        options.updates = whole_periods(spec, options.updates)
        timed = [
            (size, mode, throughput.timed_spec(zoo, options, device, size, mode))
            for size in options.batch_sizes or [spec.training.batch_size]
            for mode in options.modes
        ]
        data = load_data(spec)
    result = Result(
        f"roofline_{spec.name}",
        f"How far is the update of {spec.name} from what this device can do?",
        {
            "mode": ("mode", ""),
            "batch_size": ("batch size", "d"),
            "gflop": ("GFLOP", ",.2f"),
            "mb": ("MB moved", ",.0f"),
            "update_ms": ("update, ms", ",.2f"),
            "library_ms": ("library operators alone, ms", ",.2f"),
            "norm_ms": ("batch norm as copies, ms", ",.2f"),
            "reached": ("limit / update", ".0%"),
            "rest_ms": ("the rest as copies, ms", ",.2f"),
            "speed": ("× first", ".2f"),
        },
        about={
            "spec": spec.model_dump(mode="json"),
            "warm_up": f"{warm_up(spec, options.warm_up)} updates, more where a CUDA graph takes more",
            "repetitions": f"{options.repetitions} of {updates}, median",
        },
    )
    side = options.large or (8192 if device.type == "cuda" else 1024)
    with told_in_one_message():
        bandwidth = _bandwidth(device)
        result.notes.append(f"A large copy: {bandwidth / 1e9:,.1f} GB/s read and written.")
        for precision in dict.fromkeys(mode.split("+")[0] for mode in options.modes):
            rate = _matrix_product(side, precision, device)
            result.notes.append(f"A product of {side} × {side} matrices in {precision}: {rate / 1e12:,.3f} TFLOP/s.")
    for size, mode, one in timed:
        row: dict[str, Any] = {}
        with result.failures.noted(f"{mode}, batch {size}"):
            row = _row(one, data, mode, bandwidth, options, device)
        if not row:
            continue
        result.clocks = row["clocks"]
        first = result.rows[0]["update_ms"] if result.rows else row["update_ms"]
        slowest = row.pop("slowest")
        result.rows.append({"mode": mode, "batch_size": size, **row, "speed": first / row["update_ms"]})
        if slowest:
            said = ", ".join(f"{name} {share:.0%}" for name, share in slowest)
            result.notes.append(f"{mode}, batch {size}, where the limit lies: {said}.")
    show(result, options, device)


def _row(
    spec: GanSpec, data: Data, mode: str, bandwidth: float, options: argparse.Namespace, device: torch.device
) -> dict[str, Any]:
    timed = throughput.measured(spec, data, options, device, parts=False)
    update = statistics.median(timed.seconds) / options.updates
    eager = spec.model_copy(
        update={"training": spec.training.model_copy(update={"compile": "off", "cuda_graph": False})}
    )
    operators, flops = operators_of(eager, data)
    alone: dict[str, float] = {}
    moved = rest = norm = 0.0
    with _arithmetic(mode.split("+")[0]):
        for (name, _), (count, call, size) in operators.items():
            moved += count * size
            if call:
                alone[name] = alone.get(name, 0.0) + count * min(_alone(one, device) for one in call)
            elif name in COPIES:
                norm += count * size / bandwidth
            else:
                rest += count * size / bandwidth
    limit = sum(alone.values()) + norm
    parts = sorted([*alone.items(), ("batch norm", norm)], key=lambda part: -part[1])
    return {
        "gflop": flops / 1e9,
        "mb": moved / 1e6,
        "update_ms": 1000 * update,
        "library_ms": 1000 * sum(alone.values()),
        "norm_ms": 1000 * norm,
        "reached": limit / update,
        "rest_ms": 1000 * rest,
        "slowest": [(name, seconds / limit) for name, seconds in parts[:6] if seconds > 0.005 * limit],
        "clocks": timed.clocks,
    }


_FLOPS: dict[Any, Callable[..., int]] = {
    **flop_registry,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: sdpa_flop,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: sdpa_backward_flop,
}
"""Floating-point operations of an operator by its arguments: torch's formulas, and what they leave out.

Torch's own counter is not used: it hooks on modules, which a gradient inside of a step (a gradient penalty) breaks.
"""

Calls = list[Callable[[], object]]

Operator = tuple[float, Calls, int]
"""How often in an update, the call alone in each memory format (of what a library computes), bytes read and written."""


class _Noted(TorchDispatchMode):
    """Notes operators by name and shapes, with arguments of the same shapes to call them with again, and counts their
    floating-point operations.
    """

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[tuple[str, str]] = Counter()
        self.calls: dict[tuple[str, str], tuple[Calls, int]] = {}
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator."""
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if func.overloadpacket in _FLOPS:
            self.flops += _FLOPS[func.overloadpacket](*args, **kwargs, out_val=out)
        name = func.name().removeprefix("aten::").split(".")[0]
        if name in _FREE:
            return out
        tensors = [leaf for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, Tensor)]
        key = (name, str([(tuple(one.shape), one.dtype, one.stride()) for one in tensors]))
        self.counts[key] += 1
        if key not in self.calls:
            size = sum(one.numel() * one.element_size() for one in tensors)
            self.calls[key] = (_again(func, args, kwargs) if name in LIBRARY else [], size)
        return out


def _again(func: Any, args: Any, kwargs: Any) -> Calls:
    """The same call on tensors of its own, so that the step's are let go; of a convolution with channels last, too."""
    formats = [torch.preserve_format]
    if "convolution" in func.name():
        formats.append(torch.channels_last)

    def call(how: torch.memory_format) -> Callable[[], object]:
        def like(one: Tensor) -> Tensor:
            if not one.is_floating_point():
                return one.clone()
            found = torch.empty_like(one).normal_()
            return found.to(memory_format=how) if one.dim() == 4 and how is not torch.preserve_format else found

        own_args, own_kwargs = tree_map_only(Tensor, like, (args, kwargs))
        return lambda: func(*own_args, **own_kwargs)

    return [call(how) for how in formats]


def operators_of(spec: GanSpec, data: Data) -> tuple[dict[tuple[str, str], Operator], float]:
    """Every operator of one update, and its floating-point operations: means over a period of the losses' `every`."""
    noted, noting = _Noted(), ExitStack()
    updates, seen = period(spec), 0

    def note(progress: Progress) -> None:
        nonlocal seen
        seen += 1
        if seen == 2:
            noting.enter_context(noted)
        elif seen == 2 + updates:
            noting.close()

    # Two before, since the first one makes the optimisers' state; and one after, which writes the checkpoint.
    images = (updates + 3) * spec.training.batch_size * spec.training.critic_updates
    training = spec.training.model_copy(update={"images": images, "log_every": images, "checkpoint_every": images})
    with tempfile.TemporaryDirectory() as folder, noting:
        train(spec.model_copy(update={"training": training}), Path(folder) / "run", data=data, report=note)
    found = {key: (count / updates, *noted.calls[key]) for key, count in noted.counts.items()}
    return found, noted.flops / updates


def _alone(call: Callable[[], object], device: torch.device, seconds: float = 0.05) -> float:
    """The best time of a call, s: the least of several means."""
    means = []
    with torch.no_grad():
        call()
        once = _timed(call, 1, device)
        times = max(1, math.ceil(seconds / 5 / max(once, 1e-6)))
        for _ in range(5):
            means.append(_timed(call, min(times, 1000), device))
    return min(means)


def _timed(call: Callable[[], object], times: int, device: torch.device) -> float:
    if device.type == "cuda":
        return _captured(call, min(times, 200))
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


def _captured(call: Callable[[], object], times: int) -> float:
    """Seconds of a call on the GPU alone, without Python and launches: captured so many times, and replayed."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(times):
            call()
    graph.replay()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    graph.replay()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end)) / 1000 / times


def _bandwidth(device: torch.device) -> float:
    """Bytes a second, read and written, of a large copy."""
    numbers = 2**28 if device.type == "cuda" else 2**24
    source = torch.ones(numbers, device=device)
    target = torch.empty_like(source)
    return 2 * 4 * numbers / _alone(lambda: target.copy_(source), device, 0.5)


def _matrix_product(side: int, precision: str, device: torch.device) -> float:
    """Floating-point operations a second of a large matrix product."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    one, other = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    with _arithmetic(precision):
        return 2 * side**3 / _alone(lambda: one @ other, device, 0.5)


@contextmanager
def _arithmetic(precision: str) -> Iterator[None]:
    """TF32 where it is asked for, IEEE float32 otherwise; of convolutions the fastest algorithm that there is."""
    cudnn = torch.backends.cudnn
    before, cudnn.benchmark = cudnn.benchmark, True
    try:
        with float32_arithmetic(tf32=precision == "tf32"):
            yield
    finally:
        cudnn.benchmark = before


if __name__ == "__main__":
    main()
