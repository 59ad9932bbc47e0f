"""What docs/performance.md says can be typed is right: its modes are modes, its files are there."""

import re
import shlex
from pathlib import Path

from alloygan import Zoo

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "performance.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line)
    for text in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines()
]
SETTINGS = {"nets": "compile=nets", "step": "compile=step", "graph": "cuda_graph=true"}
SETTINGS["channels_last"] = "channels_last=true"


def test_every_mode_for_a_gpu_is_one_that_a_spec_can_have(zoo: Zoo) -> None:
    modes = [
        (command[2], word)
        for command in COMMANDS
        if "--modes" in command
        for word in command[command.index("--modes") + 1 :]
        if re.match(r"(fp32|tf32|bf16)", word)
    ]
    assert len(modes) > 6
    for spec, mode in modes:
        precision, *added = mode.split("+")
        settings = [f"precision={precision}", "device=cuda", *(SETTINGS[word] for word in added)]
        zoo.read_spec(spec, [f"training.{one}" for one in settings])


def test_the_training_for_a_gpu_is_a_spec(zoo: Zoo) -> None:
    (command,) = [command for command in COMMANDS if command[:2] == ["alloygan", "train"]]
    zoo.read_spec(command[2], [value for value in command if value.startswith("training.")])


def test_linked_pages_are_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert len(links) > 5
    assert all((DOCS / link).is_file() for link in links)
