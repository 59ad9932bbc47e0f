"""The checks of each sort of component, and the door that needs no pytest."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from alloygan.errors import PluginError, nearest
from alloygan.specs.condition_columns import ColumnSpec
from alloygan.testing.augmenter_checks import AUGMENTER_CHECKS
from alloygan.testing.comparison_checks import COMPARISON_CHECKS
from alloygan.testing.conditioner_checks import CONDITIONER_CHECKS
from alloygan.testing.critic_checks import CRITIC_CHECKS
from alloygan.testing.dataset_checks import DATASET_CHECKS
from alloygan.testing.descriptor_checks import DESCRIPTOR_CHECKS
from alloygan.testing.generator_checks import GENERATOR_CHECKS
from alloygan.testing.launcher_checks import LAUNCHER_CHECKS
from alloygan.testing.loss_checks import LOSS_CHECKS
from alloygan.testing.network_checks import NETWORK_CHECKS
from alloygan.testing.sampler_checks import SAMPLER_CHECKS
from alloygan.testing.spec_checks import SPEC_CHECKS
from alloygan.testing.subject import Subject
from alloygan.testing.training_checks import TRAINING_CHECKS
from alloygan.testing.verdicts import NotApplicable
from alloygan.zoo import Zoo, load_zoo

Check = Callable[[Subject], None]

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "generator": (*SPEC_CHECKS, *NETWORK_CHECKS, *GENERATOR_CHECKS, *TRAINING_CHECKS),
    "critic": (*SPEC_CHECKS, *NETWORK_CHECKS, *CRITIC_CHECKS, *TRAINING_CHECKS),
    "conditioner": (*SPEC_CHECKS, *NETWORK_CHECKS, *CONDITIONER_CHECKS, *TRAINING_CHECKS),
    "loss": (*SPEC_CHECKS, *LOSS_CHECKS, *TRAINING_CHECKS),
    "sampler": (*SPEC_CHECKS, *SAMPLER_CHECKS, *TRAINING_CHECKS),
    "augmenter": (*SPEC_CHECKS, *AUGMENTER_CHECKS, *TRAINING_CHECKS),
    "dataset": (*SPEC_CHECKS, *DATASET_CHECKS, *TRAINING_CHECKS),
    "descriptor": (*SPEC_CHECKS, *DESCRIPTOR_CHECKS),
    "comparison": (*SPEC_CHECKS, *COMPARISON_CHECKS),
    "launcher": (*SPEC_CHECKS, *LAUNCHER_CHECKS),
}


@dataclass(frozen=True)
class CheckResult:
    """What one check found. `message` says which rule is broken and how, or why the rule is not for this kind."""

    check: str
    status: Literal["passed", "failed", "not applicable"]
    message: str = ""


def run_checks(
    sort: str,
    kind: str,
    *,
    spec: Mapping[str, Any] | None = None,
    critic: Mapping[str, Any] | None = None,
    conditions: Iterable[Mapping[str, Any]] = (),
    plugins: Iterable[str | Path] = (),
    zoo: Zoo | None = None,
) -> list[CheckResult]:
    """Run all checks of a kind; arguments as those of `conformance_tests`. Never raises for what a check finds."""
    subject = find_subject(sort, kind, spec=spec, critic=critic, conditions=conditions, plugins=plugins, zoo=zoo)
    return [_result(check, subject) for check in CHECKS[sort]]


def find_subject(
    sort: str,
    kind: str,
    *,
    spec: Mapping[str, Any] | None = None,
    critic: Mapping[str, Any] | None = None,
    conditions: Iterable[Mapping[str, Any]] = (),
    plugins: Iterable[str | Path] = (),
    zoo: Zoo | None = None,
) -> Subject:
    """Look a kind up and read its spec. Raises PluginError or SpecError if there is none, or fields are missing."""
    if sort not in CHECKS:
        raise PluginError(f"no sort of component is called {sort!r}.{nearest(sort, CHECKS)}")
    zoo = zoo if zoo is not None else load_zoo(plugins)
    entry = zoo.registries[sort].get(kind)
    read = zoo.spec_from_values({**(spec or {}), "kind": kind}, sort)
    partner = None if critic is None else zoo.spec_from_values(critic, "critic")
    columns = tuple(ColumnSpec(**column) for column in conditions)
    return Subject(sort, entry, read, zoo, partner, columns)


def _result(check: Check, subject: Subject) -> CheckResult:
    name = check.__name__
    try:
        check(subject)
    except NotApplicable as reason:
        return CheckResult(name, "not applicable", str(reason))
    except AssertionError as broken:
        return CheckResult(name, "failed", str(broken))
    except Exception as error:
        return CheckResult(name, "failed", f"{type(error).__name__}: {error}")
    return CheckResult(name, "passed")
