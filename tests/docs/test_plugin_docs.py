"""docs/plugins.md has a heading for each hook with its exact arguments; plugin READMEs' code runs."""

import inspect
import re
from pathlib import Path

import pytest

import alloygan_plugins
from alloygan import hookspecs

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("alloygan_"))
READMES = sorted(Path(alloygan_plugins.__file__).parent.glob("*/README.md"))
SNIPPETS = [
    pytest.param(text, id=f"{path.parent.name}-{i}")
    for path in READMES
    for i, text in enumerate(re.findall(r"^```python\n(.*?)^```$", path.read_text("utf-8"), re.DOTALL | re.MULTILINE))
]


@pytest.mark.parametrize("hook", HOOKS)
def test_the_hook_is_documented(hook: str) -> None:
    arguments = ", ".join(inspect.signature(getattr(hookspecs, hook)).parameters)
    assert f"### {hook}({arguments})\n" in PAGE


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_the_snippet_runs(snippet: str) -> None:
    exec(compile(snippet, "README.md", "exec"), {})
