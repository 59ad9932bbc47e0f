"""Rules for networks in the ways of computing that a spec may ask for: memory format, float64, bfloat16."""

from dataclasses import replace

import torch

from alloygan.testing.modules import failures_told, in_float64, nudge, require_finite, sum_of_all, with_channels_last
from alloygan.testing.network import Network
from alloygan.testing.subject import Subject
from alloygan.testing.verdicts import require


def computes_the_same_with_channels_last(subject: Subject) -> None:
    """Images and kernels may have their channels last in memory (`training.channels_last`)."""
    # A network of grey images only has features of several channels, all the same.
    shape = subject.coloured or subject.shapes[0]
    first, last = Network.build(subject, shape), Network.build(subject, shape)
    for network in (first, last):
        nudge(network.module)
    last.module.to(memory_format=torch.channels_last)
    condition, inputs = first.condition(4), first.inputs(4)
    images_last = inputs
    if inputs is not None and inputs.dim() == 4:
        images_last = inputs.contiguous(memory_format=torch.channels_last)
    expected = first(condition, inputs)
    found = with_channels_last("forward", lambda: last(condition, images_last))
    with_channels_last("backward", lambda: sum_of_all(found).backward())  # type: ignore[no-untyped-call]
    different = [name for name in expected if not torch.allclose(found[name], expected[name], rtol=1e-3, atol=1e-4)]
    require(
        not different,
        f"{', '.join(different)} change where images and kernels have their channels last in memory, as "
        "training.channels_last: true keeps them; go by dimensions, not by the order in memory",
    )


def computes_in_float64(subject: Subject) -> None:
    """With weights and inputs in float64 all is computed in it (`training.precision: fp64`)."""
    network = Network.build(subject)
    network.module.double()
    condition, inputs = network.condition(4), network.inputs(4)
    condition = replace(condition, values=condition.values.double())
    outputs = in_float64("forward", lambda: network(condition, None if inputs is None else inputs.double()))
    other = {name: output.dtype for name, output in outputs.items() if output.is_floating_point()}
    for name, dtype in other.items():
        require(
            dtype == torch.float64,
            f"{name} is {dtype} where weights and inputs are float64, as with training.precision: fp64; leave .float() "
            "out, and make tensors with `dtype=` of an input",
        )
    in_float64("backward", lambda: sum_of_all(outputs).backward())  # type: ignore[no-untyped-call]


def computes_in_bfloat16(subject: Subject) -> None:
    """It runs under torch's autocast, where products are bfloat16 and all else may be (`training.precision: bf16`)."""
    network = Network.build(subject)
    condition, inputs = network.condition(4), network.inputs(4)
    fails = "fails under torch.autocast in bfloat16, as with training.precision: bf16"
    with failures_told(fails, "Bring what is put together to one type (`.to(other.dtype)`)"):
        with torch.autocast("cpu", torch.bfloat16):
            outputs = network(condition, inputs)
        # As the loop does: outside, on outputs that are float32 again.
        outputs = {name: output.float() for name, output in outputs.items()}
        sum_of_all(outputs).backward()  # type: ignore[no-untyped-call]
    require_finite(outputs, "under torch.autocast in bfloat16 (training.precision: bf16)")


NETWORK_MODE_CHECKS = (
    computes_the_same_with_channels_last,
    computes_in_float64,
    computes_in_bfloat16,
)
