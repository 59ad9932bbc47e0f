"""A search that machines share through a real PostgreSQL (marker system)."""

from pathlib import Path

import pytest

from . import postgres
from .processes import ends, start
from .test_tune import SHORT, check_after_a_kill, rows

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(postgres.programs() is None, reason="Debian's package postgresql is not installed"),
]


def test_a_worker_killed_in_its_trial(search_file: Path, tmp_path: Path) -> None:
    with postgres.server(tmp_path) as url:
        check_after_a_kill(search_file, (tmp_path / "out").resolve(), storage=url)


def test_two_machines_share_one_study(search_file: Path, tmp_path: Path) -> None:
    with postgres.server(tmp_path) as url:
        options = ("search.trials=4", "search.looks=[]")
        both = [start("tune", search_file, tmp_path / name, *SHORT, *options, storage=url) for name in ("one", "other")]
        for process, name in zip(both, ("one", "other"), strict=True):
            assert ends(process, tmp_path / name) == 0
        one, other = rows(tmp_path / "one"), rows(tmp_path / "other")
        assert {row["trial"] for row in one} == {row["trial"] for row in other}
        assert 4 <= len(one) <= 5, "at most one too many, where both start their last at once"
        folders = [{path.name for path in (tmp_path / name / "trials").iterdir()} for name in ("one", "other")]
        assert all(folders), "both have worked"
        assert not folders[0] & folders[1], "on different trials"
