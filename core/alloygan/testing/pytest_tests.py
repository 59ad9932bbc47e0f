"""The door for pytest, which is imported only when it is used: it is no dependency of alloygan."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from alloygan.errors import PluginError, nearest
from alloygan.testing.run_checks import CHECKS, Check, find_subject
from alloygan.testing.verdicts import NotApplicable
from alloygan.zoo import Zoo


def conformance_tests(
    sort: str,
    kind: str,
    *,
    spec: Mapping[str, Any] | None = None,
    critic: Mapping[str, Any] | None = None,
    conditions: Iterable[Mapping[str, Any]] = (),
    plugins: Iterable[str | Path] = (),
    expected_failures: Mapping[str, str] | None = None,
    zoo: Zoo | None = None,
) -> Callable[..., None]:
    """A parametrised pytest test of all checks of one kind; one line of a plugin author's test file.

        test_lecam = conformance_tests("loss", "lecam")

    `sort` is the registry's singular name. `spec`: values for its fields, needed where a field has no default.
    `critic`: the spec of the critic that a loss is tried with; by default a stand-in that gives what the loss needs.
    `conditions`: condition columns for a data set that has none of its own. `plugins`: plugin files to load.
    `expected_failures`: names of checks that the kind cannot pass, each with the reason; such a check that passes, or
    a name that no check has, is an error. Raises PluginError or SpecError if the kind is not there.
    """
    import pytest

    if sort in CHECKS:
        names = [check.__name__ for check in CHECKS[sort]]
        for name in expected_failures or {}:
            if name not in names:
                raise PluginError(f"expected_failures: no check is called {name!r}.{nearest(name, names)}")
    subject = find_subject(sort, kind, spec=spec, critic=critic, conditions=conditions, plugins=plugins, zoo=zoo)

    def parameter(check: Check) -> Any:
        reason = (expected_failures or {}).get(check.__name__)
        marks = [] if reason is None else [pytest.mark.xfail(reason=reason, strict=True)]
        return pytest.param(check, id=f"{kind}-{check.__name__}", marks=marks)

    @pytest.mark.parametrize("check", [parameter(check) for check in CHECKS[sort]])
    def test(check: Check) -> None:
        try:
            check(subject)
        except NotApplicable as reason:
            pytest.skip(str(reason))

    return test
