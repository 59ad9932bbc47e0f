"""docs/plugins.md has a heading for each hook with its exact arguments; plugin READMEs' code runs."""

import inspect
import re
from pathlib import Path

import pytest

import alloygan_plugins
from alloygan import hookspecs
from alloygan.testing import run_checks

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


@pytest.mark.parametrize(("sort", "kind"), [("conditioner", "fourier"), ("descriptor", "median_grey")])
def test_the_example_keeps_the_contracts(sort: str, kind: str, tmp_path: Path) -> None:
    (text,) = (t for t in re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) if f'"{kind}"' in t)
    plugin = tmp_path / f"{kind}.py"
    plugin.write_text(text, encoding="utf-8")
    results = run_checks(sort, kind, plugins=[plugin])
    assert [result for result in results if result.status == "failed"] == []
    assert sum(result.status == "passed" for result in results) > 5
