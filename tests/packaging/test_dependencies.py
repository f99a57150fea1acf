"""What ghsync needs at run time is known: its licences are allowed, it is listed, and advisories are asked for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from threading import Thread
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from release import audit, dependencies, licences, sbom
from release.dependencies import CHECKOUT, Dependency

FOUND = dependencies.of(dependencies.requirements())
ALLOWED = dependencies.judged("allowed-licences")
NAMES = {each.name for each in FOUND}


def test_what_is_needed_by_extras_and_by_others_is_found_and_no_tool_of_ours() -> None:
    assert {"psycopg-binary", "cryptography", "greenlet", "pydantic-core", "certifi"} <= NAMES
    assert not {"ghsync", "pytest", "mypy", "pip", "cyclonedx-python-lib"} & NAMES


def test_each_licence_is_allowed_and_each_allowed_one_is_somebody_s() -> None:
    assert licences.refused(FOUND, ALLOWED) == []
    assert {each.licence for each in FOUND} == set(ALLOWED)


def test_a_licence_that_nobody_has_read_is_told_with_what_to_do() -> None:
    unread = Dependency("ours", "1.0", dependencies.UNKNOWN, ())
    (told,) = licences.refused([unread], ALLOWED)
    assert told == (
        "ours 1.0 is under 'unknown': read it, and add it to allowed-licences in pyproject.toml, or do without."
    )


@pytest.mark.parametrize(
    ("told", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: long ago", "MIT OR Apache-2.0"),
        ("Classifier: License :: OSI Approved :: MIT License\nLicense: MIT", "MIT License"),
        ("Classifier: License :: OSI Approved\nLicense: BSD", "BSD"),
        ("License: a text\n        of several lines", dependencies.UNKNOWN),
        ("Summary: says nothing", dependencies.UNKNOWN),
    ],
)
def test_a_licence_is_read_of_what_a_distribution_declares(
    told: str, licence: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "made_up-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: made-up\nVersion: 1.0\n{told}\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert dependencies.of(["made-up"]) == [Dependency("made-up", "1.0", licence, ())]


def test_the_document_is_valid_and_lists_all_that_is_needed_by_whom() -> None:
    document = sbom.document(CHECKOUT, moment=1_800_000_000)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document) is None
    told = json.loads(document)
    assert {(each["name"], each["version"]) for each in told["components"]} == {
        (each.name, each.version) for each in FOUND
    }
    optional = {each["name"] for each in told["components"] if each.get("scope") == "optional"}
    assert {"opentelemetry-sdk", "protobuf"} <= optional
    assert not optional & {each.name for each in dependencies.of(dependencies.project()["dependencies"])}
    needs = {each["ref"]: each.get("dependsOn", []) for each in told["dependencies"]}
    assert set(needs) == {f"pkg:pypi/{each.name}@{each.version}" for each in FOUND} | {
        f"pkg:pypi/ghsync@{dependencies.project()['version']}"
    }
    starlette, anyio = (f"pkg:pypi/{name}@{metadata.version(name)}" for name in ("starlette", "anyio"))
    assert anyio in needs[starlette]


def test_the_document_is_the_same_each_time() -> None:
    assert sbom.document(CHECKOUT, moment=1_800_000_000) == sbom.document(CHECKOUT, moment=1_800_000_000)


class Advisories(BaseHTTPRequestHandler):
    """A service like OSV's, which knows something of Starlette."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}]
        affected = [{"package": {"name": asked, "ecosystem": "PyPI"}, "ranges": ranges}]
        known = {"vulns": [{"id": "MADE-UP-1", "affected": affected}]} if asked == "starlette" else {}
        answer = json.dumps(known).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def service() -> Iterator[list[str]]:
    """The arguments that lead pip-audit there."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Advisories) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield ["--vulnerability-service=osv", f"--osv-url=http://127.0.0.1:{server.server_port}/"]
        server.shutdown()
        thread.join()


def test_what_is_known_against_a_dependency_is_told_and_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with service() as arguments:
        assert audit.main(arguments) == 1
        told = capsys.readouterr()
        version = metadata.version("starlette")
        assert (told.out, told.err) == ("", f"starlette {version} has MADE-UP-1, mended in 99.1.\n")


def test_an_advisory_that_is_accepted_is_no_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "judged", {"accepted-advisories": ["MADE-UP-1"]}.__getitem__)
    with service() as arguments:
        assert audit.main(arguments) == 0
    assert capsys.readouterr() == ("", "")


def test_where_nobody_can_be_asked_that_is_said_and_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with service() as arguments:
        pass
    assert audit.main(arguments) == 0
    said = "Skipped: the service that has the advisories is out of reach (requests.exceptions.ConnectionError).\n"
    assert capsys.readouterr() == (said, "")


def test_an_argument_that_there_is_not_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--made-up"]) == 2
    assert "--made-up" in capsys.readouterr().err


def test_what_the_service_does_not_know_is_counted() -> None:
    report = {"dependencies": [{"name": "ours", "skip_reason": "not found"}, {"name": "theirs", "vulns": []}]}
    assert audit.unasked(report) == ["ours"]
