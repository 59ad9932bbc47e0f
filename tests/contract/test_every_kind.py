"""Every registered kind keeps the rules; a new kind is covered by being registered."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alloygan import load_zoo
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.testing.run_checks import CHECKS, Check, find_subject
from alloygan.testing.subject import Subject
from alloygan.testing.verdicts import NotApplicable

ZOO = load_zoo()

# Values for kinds that have fields without a default, or whose defaults make more than a test should wait for.
SPECS: dict[tuple[str, str], dict[str, Any]] = {
    ("dataset", "spinodal"): {
        "composition": [0.35, 0.6],
        "time": [5.0, 10.0],
        "runs": 2,
        "evaluation_runs": 1,
        "size": [16, 32],
        "patch": 16,
    },
    ("dataset", "synthetic_alloy"): {
        "temperature": [800.0, 1100.0],
        "training_micrographs": 2,
        "evaluation_micrographs": 1,
        "size": [32, 64],
        "patch": [16, 32],
    },
    ("dataset", "micrographs"): {"patch": [16, 32]},
    ("generator", "dcgan_attention"): {"width": 16},
    ("critic", "dcgan_contrastive"): {"width": 16},
}
CONDITIONS = {("dataset", "micrographs"): [{"name": "exposure", "unit": "h", "scale": "log"}]}


@pytest.fixture(scope="module")
def subject_of(make_manifest: Callable[..., Path]) -> Callable[[str, str], Subject]:
    found: dict[tuple[str, str], Subject] = {}

    def subject_of(sort: str, kind: str) -> Subject:
        if (sort, kind) not in found:
            spec, columns = SPECS.get((sort, kind), {}), CONDITIONS.get((sort, kind), [])
            if kind == "micrographs":
                spec = spec | {"manifest": str(make_manifest([ColumnSpec(**c) for c in columns], 64))}
            found[sort, kind] = find_subject(sort, kind, spec=spec, conditions=columns, zoo=ZOO)
        return found[sort, kind]

    return subject_of


@pytest.mark.parametrize(
    ("sort", "kind", "check"),
    [
        pytest.param(sort, entry.kind, check, id=f"{sort}-{entry.kind}-{check.__name__}")
        for sort, registry in ZOO.registries.items()
        for entry in registry
        for check in CHECKS[sort]
    ],
)
def test_keeps_the_rule(sort: str, kind: str, check: Check, subject_of: Callable[[str, str], Subject]) -> None:
    try:
        check(subject_of(sort, kind))
    except NotApplicable as reason:
        pytest.skip(str(reason))


def test_every_sort_has_checks() -> None:
    assert set(CHECKS) == set(ZOO.registries)


def test_every_sort_has_a_kind() -> None:
    assert not [sort for sort, registry in ZOO.registries.items() if not len(registry)]


def test_check_names_are_unique_within_a_sort() -> None:
    for sort, checks in CHECKS.items():
        names = [check.__name__ for check in checks]
        assert len(set(names)) == len(names), sort
        assert all(check.__doc__ for check in checks), sort
