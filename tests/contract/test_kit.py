"""The kit itself: good components pass, and its doors tell what is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import Field

from alloygan.errors import PluginError, SpecError
from alloygan.specs.components import ComponentSpec
from alloygan.testing import CheckResult, conformance_tests, run_checks
from alloygan.testing.stand_in_data import (
    StandInAugmenterSpec,
    StandInDatasetSpec,
    StandInDescriptorSpec,
    StandInSamplerSpec,
)
from alloygan.testing.stand_in_networks import (
    StandInConditionerSpec,
    StandInCriticSpec,
    StandInGeneratorSpec,
    StandInLossSpec,
)

from .planting import failures

pytest_plugins = ["pytester"]

LECAM = Path(__file__).parents[1] / "third_party" / "alloygan_lecam" / "alloygan_lecam.py"


@pytest.mark.parametrize(
    ("sort", "spec"),
    [
        ("generator", StandInGeneratorSpec),
        ("conditioner", StandInConditionerSpec),
        ("loss", StandInLossSpec),
        ("sampler", StandInSamplerSpec),
        ("augmenter", StandInAugmenterSpec),
        ("dataset", StandInDatasetSpec),
        ("descriptor", StandInDescriptorSpec),
    ],
)
def test_the_stand_ins_pass(sort: str, spec: type[ComponentSpec]) -> None:
    assert failures(sort, spec) == {}


def test_the_stand_in_critic_passes() -> None:
    class WithOutputs(StandInCriticSpec):
        """A stand-in with both embeddings and class logits."""

        outputs: frozenset[str] = Field(
            frozenset({"image_embedding", "condition_embedding", "extras.logits"}), description="Outputs."
        )

    assert failures("critic", WithOutputs) == {}


def test_run_checks_gives_a_result_for_each_check() -> None:
    found = run_checks("loss", "lecam", plugins=[LECAM])
    assert all(isinstance(result, CheckResult) for result in found)
    assert {result.status for result in found} == {"passed", "not applicable"}
    assert all(result.message for result in found if result.status == "not applicable")


def test_an_unknown_kind_is_named_with_the_nearest() -> None:
    with pytest.raises(SpecError, match="Did you mean 'lecam'"):
        run_checks("loss", "lecan", plugins=[LECAM])
    with pytest.raises(PluginError, match="Did you mean 'loss'"):
        run_checks("losses", "lecam", plugins=[LECAM])


def test_a_field_without_default_is_asked_for() -> None:
    with pytest.raises(SpecError, match="manifest: this field is required"):
        run_checks("dataset", "micrographs")


def test_an_expected_failure_must_be_the_name_of_a_check() -> None:
    with pytest.raises(PluginError, match="Did you mean 'stays_finite'"):
        conformance_tests("loss", "lecam", plugins=[LECAM], expected_failures={"stays_finit": "for a reason"})


def run_author_tests(pytester: pytest.Pytester, text: str) -> pytest.RunResult:
    pytester.makepyfile(
        test_author=f"from alloygan.testing import conformance_tests\nplugins = [{str(LECAM)!r}]\n{text}"
    )
    # In this process, modules that torch imports late would be forgotten afterwards, and cannot be imported twice.
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-rA")


def test_one_line_of_an_authors_test_file(pytester: pytest.Pytester) -> None:
    result = run_author_tests(pytester, 'test_lecam = conformance_tests("loss", "lecam", plugins=plugins)')
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] > 20
    assert set(outcomes) == {"passed", "skipped"}
    result.stdout.fnmatch_lines(["PASSED test_author.py::test_lecam?lecam-survives_a_yaml_round_trip?"])


def test_an_expected_failure_that_passes_is_an_error(pytester: pytest.Pytester) -> None:
    result = run_author_tests(
        pytester,
        'test_lecam = conformance_tests("loss", "lecam", plugins=plugins, expected_failures={"stays_finite": "no"})',
    )
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    result.stdout.fnmatch_lines(["FAILED test_author.py::test_lecam?lecam-stays_finite?*"])


def test_an_expected_failure_is_shown_with_its_reason(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        bad_loss=LECAM.read_text(encoding="utf-8").replace("torch.zeros(3)", "torch.zeros(3), persistent=False")
    )
    result = run_author_tests(
        pytester,
        'test_lecam = conformance_tests("loss", "lecam", plugins=["bad_loss.py"], expected_failures={'
        '"survives_a_state_round_trip": "starts anew", "trains_and_resumes": "starts anew"})',
    )
    outcomes = result.parseoutcomes()
    assert outcomes["xfailed"] == 2
    assert "failed" not in outcomes


def test_the_kit_does_not_import_pytest() -> None:
    program = (
        "import sys, alloygan.testing as kit\n"
        "assert kit.run_checks('augmenter', 'none')\n"
        "assert 'pytest' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
