"""A search that machines share through a real PostgreSQL (marker system)."""

from pathlib import Path

import pytest

from alloygan import Zoo

from . import postgres
from .test_tune import check_after_a_kill, path, rows, start

__all__ = ["path"]

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(postgres.programs() is None, reason="Debian's package postgresql is not installed"),
]


def test_a_worker_killed_in_its_trial(zoo: Zoo, path: Path, tmp_path: Path) -> None:
    with postgres.server(tmp_path) as url:
        check_after_a_kill(zoo, path, (tmp_path / "out").resolve(), storage=url)


def test_two_machines_share_one_study(zoo: Zoo, path: Path, tmp_path: Path) -> None:
    with postgres.server(tmp_path) as url:
        options = ("search.trials=4", "search.looks=[]")
        both = [start(path, tmp_path / name, *options, storage=url) for name in ("one", "other")]
        for process in both:
            assert process.wait(400) == 0
        one, other = rows(tmp_path / "one"), rows(tmp_path / "other")
        assert {row["trial"] for row in one} == {row["trial"] for row in other}
        assert 4 <= len(one) <= 5, "at most one too many, where both start their last at once"
        folders = [{path.name for path in (tmp_path / name / "trials").iterdir()} for name in ("one", "other")]
        assert all(folders), "both have worked"
        assert not folders[0] & folders[1], "on different trials"
