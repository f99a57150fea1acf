"""Settings: what is chosen where nothing is said."""

import os
from pathlib import Path

import pytest

from ghsync import settings
from ghsync.errors import NotConfigured


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


def test_blanks_around_what_was_copied_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GHSYNC_TOKEN", "ghp_whole\n")
    monkeypatch.setenv("GHSYNC_APP_ID", " 4711 ")
    monkeypatch.setenv("GHSYNC_API_URL", "https://github.corp.test/api/v3/ ")
    loaded = settings.load()
    assert loaded.token
    assert loaded.token.get_secret_value() == "ghp_whole"
    assert (loaded.app_id, loaded.api_url) == ("4711", "https://github.corp.test/api/v3")


@pytest.mark.parametrize("token", ["ghp_one\nghp_two", "ghp_one ghp_two", "ghp_\u200bcopied"])
def test_a_token_that_no_header_takes_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("GHSYNC_TOKEN", token)
    with pytest.raises(NotConfigured, match="GHSYNC_TOKEN is wrong: it has blanks") as refused:
        settings.load()
    assert "ghp_" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://", "http://127.0.0.1:99999", "http://[::1", "https://api.github.test?x=1", "https://api.github.test#f",
        "https://somebody:word@api.github.test",
    ],
)  # fmt: skip
def test_an_address_of_the_api_is_a_host_with_a_path_at_most(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("GHSYNC_API_URL", url)
    with pytest.raises(NotConfigured, match="GHSYNC_API_URL is wrong: it is no address") as refused:
        settings.load()
    assert "word" not in str(refused.value)
