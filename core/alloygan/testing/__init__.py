"""The conformance kit: what any registered kind must keep, as checks that a plugin author runs.

One line of a test file, with pytest:

    from alloygan.testing import conformance_tests

    test_lecam = conformance_tests("loss", "lecam")

or, without pytest, `run_checks("loss", "lecam")`, which returns what each check found.
"""

from alloygan.testing.pytest_tests import conformance_tests
from alloygan.testing.run_checks import CheckResult, run_checks
from alloygan.testing.verdicts import ConformanceError

__all__ = ["CheckResult", "ConformanceError", "conformance_tests", "run_checks"]
