import json
import re
from datetime import UTC, datetime, timedelta

from ghsync.simulator.actions import hooks, issues
from ghsync.simulator.clock import EPOCH
from ghsync.simulator.delivery import SIGNATURE_HEADERS, signatures
from ghsync.simulator.identity import guid_ticks
from tests.simulator.conftest import Scene


def test_signatures_are_those_of_githubs_published_example() -> None:
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    signed = signatures("It's a Secret to Everybody", b"Hello, World!")
    assert signed["X-Hub-Signature-256"] == "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_the_older_signature_is_sent_too() -> None:
    # RFC 2202, section 3, test case 2.
    signed = signatures("Jefe", b"what do ya want for nothing?")
    assert signed["X-Hub-Signature"] == "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"


def test_a_delivery_has_the_headers_of_an_app_hook(scene: Scene) -> None:
    hooks.ping(scene.world)
    delivery = scene.world.deliveries[-1]
    headers = dict(delivery.headers)
    assert re.fullmatch(r"GitHub-Hookshot/[0-9a-f]{7}", headers.pop("User-Agent"))
    assert headers == {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": "ping",
        "X-GitHub-Hook-ID": str(scene.world.app.hook_id),
        "X-GitHub-Hook-Installation-Target-ID": str(scene.world.app.id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
    }


def test_a_delivery_is_signed_only_on_demand(scene: Scene) -> None:
    hooks.ping(scene.world)
    delivery = scene.world.deliveries[-1]
    assert not set(SIGNATURE_HEADERS) & set(delivery.headers)
    assert delivery.signed("s3cret") == {**delivery.headers, **signatures("s3cret", delivery.body)}


def test_the_guid_carries_the_simulated_time_and_grows_from_one_delivery_to_the_next(scene: Scene) -> None:
    scene.world.clock.advance(hours=5)
    for title in ("one", "two"):
        issues.open_issue(scene.world, scene.repository, title, by=scene.ada)
    first, second = (guid_ticks(delivery.guid) for delivery in scene.world.deliveries)
    assert first < second
    sent_at = EPOCH + timedelta(microseconds=first // 10)
    assert timedelta() < sent_at - datetime(2026, 3, 2, 14, tzinfo=UTC) < timedelta(seconds=1)


def test_a_body_is_compact_utf_8(scene: Scene) -> None:
    issues.open_issue(scene.world, scene.repository, "Licht über der Küste", by=scene.ada)
    body = scene.world.deliveries[-1].body
    assert "Licht über der Küste".encode() in body
    assert body == json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()
