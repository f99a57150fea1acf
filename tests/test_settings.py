"""Settings: what is chosen where nothing is said."""

import os
from pathlib import Path

import pytest

from ghsync import settings


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment says nothing, but where the user's data is."""
    for name in list(os.environ):
        if name.startswith(settings.PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)


def test_root_s_data_is_where_services_keep_theirs_and_not_in_root_s_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert settings.load().data_dir == Path("/var/lib/ghsync")


def test_a_user_s_data_is_in_their_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert settings.load().data_dir.is_relative_to("/somewhere")
    assert settings.load().data_dir.name == "ghsync"


def test_a_data_directory_that_is_named_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GHSYNC_DATA_DIR", "/srv/mirror")
    assert settings.load().data_dir == Path("/srv/mirror")
