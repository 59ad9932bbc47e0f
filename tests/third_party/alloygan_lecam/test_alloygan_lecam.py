from pathlib import Path

from alloygan.testing import conformance_tests

# Without `plugins` once the distribution is installed: its entry point is found then.
test_lecam = conformance_tests("loss", "lecam", plugins=[Path(__file__).with_name("alloygan_lecam.py")])
