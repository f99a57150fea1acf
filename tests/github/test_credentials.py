"""Who asks: what the settings give, and what the App's key signs."""

import base64
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ghsync.errors import NotConfigured
from ghsync.github import credentials
from ghsync.settings import Settings
from tests.github.conftest import APP_ID
from tests.github.keys import private_key

ELLIPTIC = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)


def signed(**settings: Any) -> dict[str, Any]:
    """What the App says of itself, if its signature is good."""
    app = credentials.app(Settings(app_id=APP_ID, **settings))
    assert app
    key = settings.get("private_key") or settings["private_key_path"].read_text()
    public = load_pem_private_key(key.replace("\\n", "\n").encode(), None).public_key()
    claims: dict[str, Any] = jwt.decode(app.jwt(datetime.now(UTC)), public, algorithms=["RS256"])
    return claims


def test_the_app_signs_for_less_than_ten_minutes(private_key: str) -> None:
    claims = signed(private_key=private_key)

    assert claims["iss"] == APP_ID
    assert 0 < claims["exp"] - claims["iat"] <= 600


def test_the_key_may_be_one_line_or_a_file(private_key: str, tmp_path: Path) -> None:
    file = tmp_path / "app.pem"
    file.write_text(private_key)

    assert signed(private_key=private_key.replace("\n", "\\n"))["iss"] == APP_ID
    assert signed(private_key_path=file)["iss"] == APP_ID


def test_the_key_may_be_the_base64_of_its_file(private_key: str, tmp_path: Path) -> None:
    encoded = base64.b64encode(private_key.encode()).decode()
    file = tmp_path / "app.pem"
    file.write_text(textwrap.fill(encoded, 76))

    assert credentials.app(Settings(app_id=APP_ID, private_key=encoded)) is not None
    assert credentials.app(Settings(app_id=APP_ID, private_key_path=file)) is not None


def test_nothing_is_set_up_where_nothing_is_said() -> None:
    assert credentials.app(Settings()) is None
    assert credentials.personal(Settings()) is None


def test_half_an_app_says_what_is_missing(private_key: str) -> None:
    with pytest.raises(NotConfigured, match="GHSYNC_APP_ID is not set"):
        credentials.app(Settings(private_key=private_key))
    with pytest.raises(NotConfigured, match="Neither GHSYNC_PRIVATE_KEY nor"):
        credentials.app(Settings(app_id=APP_ID))


def test_a_key_that_is_none_says_where_it_was_looked_for(tmp_path: Path) -> None:
    file = tmp_path / "app.pem"
    with pytest.raises(NotConfigured, match="GHSYNC_PRIVATE_KEY holds no private key") as wrong:
        credentials.app(Settings(app_id=APP_ID, private_key="swordfish"))
    with pytest.raises(NotConfigured, match="cannot be read \\(No such file or directory\\)"):
        credentials.app(Settings(app_id=APP_ID, private_key_path=file))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(NotConfigured, match="it is no text"):
        credentials.app(Settings(app_id=APP_ID, private_key_path=file))

    with pytest.raises(NotConfigured, match="holds no private key"):
        credentials.app(Settings(app_id=APP_ID, private_key=ELLIPTIC))

    assert "swordfish" not in str(wrong.value)


@pytest.mark.parametrize("key", [private_key(), base64.b64encode(private_key().encode()).decode(), "-----BEGIN it"])
def test_a_key_where_its_path_should_be_is_not_told(key: str) -> None:
    settings = Settings(app_id="1", private_key_path=Path(key))
    with pytest.raises(NotConfigured, match="the key's own text goes into GHSYNC_PRIVATE_KEY") as problem:
        credentials.app(settings)
    assert key not in str(problem.value)
