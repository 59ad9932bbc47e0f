"""What one process notes in the place of several is what several really send."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alloygan import Data, Zoo
from alloygan.data.held_out import load_data
from alloygan.specs.gan import GanSpec

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SETTINGS = [
    "data.size=32", "data.runs=1", "data.evaluation_runs=1", "data.time=[5]", "data.stride=32", "critic.width=4",
    "training.batch_size=8", "training.critic_updates=2", "training.synchronise_batch_norm=true",
    "losses.contrastive.every=2",
]  # fmt: skip
WORKER = """
import json
import sys
import torch
from alloygan import load_zoo
from alloygan.data.held_out import load_data
from alloygan.training.processes import processes
from messages import sent_in_updates
torch.set_num_threads(1)
spec = load_zoo().read_spec("zoo:demo", sys.argv[1:])
with processes(torch.device("cpu")) as group:
    sent = sent_in_updates(spec, load_data(spec), 0)
print(json.dumps([group.count, [[one.what, one.size] for one in sent]]))
"""


@pytest.fixture(scope="module")
def spec(zoo: Zoo) -> GanSpec:
    return zoo.read_spec("zoo:demo", SETTINGS)


@pytest.fixture(scope="module")
def data(spec: GanSpec) -> Data:
    return load_data(spec)


def test_two_processes_send_what_one_notes_for_them(module: Any, spec: GanSpec, data: Data) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    shared = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    shared |= {"PYTHONPATH": str(BENCHMARKS), "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, *SETTINGS],
            env={**shared, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        said = [json.loads(process.communicate(timeout=120)[0].splitlines()[-1]) for process in started]
    finally:
        for process in started:
            process.kill()
    noted = [[one.what, one.size] for one in module("messages").sent_in_updates(spec, data, 2)]
    assert {what for what, _ in noted} == {"gradients", "gathered", "summed"}
    assert said == [[2, noted]] * 2


def test_few_processes_tell_what_many_send(module: Any, spec: GanSpec, data: Data) -> None:
    messages = module("messages")
    many = spec.model_copy(update={"training": spec.training.model_copy(update={"batch_size": 8 * 3})})
    counted = messages.sent_in_updates(many, data, 8)
    for one, scaled in zip(counted, messages.scaling_of(spec, data), strict=True):
        ring = 7 if one.what == "gathered" else 2 * 7 / 8
        assert scaled.what == one.what
        assert scaled.sent(8, 3) == pytest.approx(ring * one.size)


def test_the_demo_sends_gradients_and_what_its_contrastive_loss_looks_at(module: Any, zoo: Zoo, data: Data) -> None:
    from alloygan import assemble

    spec = zoo.read_spec("zoo:demo", SETTINGS[:7])
    gan = assemble(spec, data.space)
    weights = sum(p.numel() for part in (gan.critic, gan.generator) for p in part.parameters())
    messages = module("messages")
    sent = messages.volume(messages.scaling_of(spec, data), 1, 2, 4)
    assert sent.gradients == 4 * weights
    # Score, both embeddings of 64, two conditions and a label, of four real images and then of four generated ones.
    assert sent.gathered == 2 * 4 * (4 * (1 + 64 + 64 + 2) + 8)
    # Both embeddings have gradients, that of the conditions in the critic's step alone; the score has none.
    assert sent.returned == 8 * 4 * (64 + 64 + 64)
    assert sent.statistics == 0
