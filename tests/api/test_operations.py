"""What a key may do over HTTP: what it is for, to what its person may see, written down with where it came from."""

from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest

from ghsync.api.operations import OPERATIONS

pytestmark = pytest.mark.anyio

Row = dict[str, Any]
Held = dict[str, dict[str, str]]

OURS, THEIRS = "11111111", "22222222"
"""How the task of each organization begins."""


async def test_a_delivery_is_replayed(
    client: httpx.AsyncClient, held: Held, connection: psycopg.Connection, acts_of: Callable[[], list[Row]]
) -> None:
    (number,) = connection.execute("SELECT id FROM webhook_deliveries WHERE repository = 'acme/web'").fetchone() or ()
    path = f"/api/deliveries/{number}/replay"
    answer = await client.post(path, headers=held["operate"])
    assert (answer.status_code, answer.json()) == (200, {"queued": 1, "waiting": 0, "aged": 0})
    states = dict(connection.execute("SELECT repository, status FROM webhook_deliveries").fetchall())
    assert states == {"acme/web": "pending", "rival/web": "processed"}
    (act,) = acts_of()
    assert (act["action"], act["actor_name"], act["user_id"] is not None) == ("delivery.replayed", "mona", True)
    assert (str(act["ip_address"]), act["user_agent"]) == ("192.0.2.7", "a test/1.0")
    assert (act["request_method"], act["request_url"], act["metadata"]) == ("POST", path, {"key": "to operate"})
    again = await client.post(path, headers=held["operate"])
    assert again.json() == {"queued": 0, "waiting": 1, "aged": 0}
    assert len(acts_of()) == 1  # nothing was done


async def test_a_repository_moves_to_another_project(
    client: httpx.AsyncClient, held: Held, connection: psycopg.Connection, acts_of: Callable[[], list[Row]]
) -> None:
    path = "/api/repositories/acme/web/project"
    answer = await client.put(path, json={"project": "acme/acme-ops"}, headers=held["admin"])
    assert (answer.status_code, answer.json()) == (200, {"detail": "acme/web is now in acme/acme-ops."})
    moved = """SELECT p.slug FROM github_repositories r JOIN projects p ON p.id = r.project_id
               WHERE r.full_name = 'acme/web'"""
    assert connection.execute(moved).fetchall() == [("acme-ops",)]
    (act,) = acts_of()
    assert act["old_values"].keys() == act["new_values"].keys() == {"project_id"}


async def test_a_task_is_linked_and_unlinked(
    client: httpx.AsyncClient, held: Held, connection: psycopg.Connection, acts_of: Callable[[], list[Row]]
) -> None:
    path = f"/api/tasks/{OURS[:6]}/links/acme/web/7"
    unknown = await client.put(path, headers=held["operate"])
    assert (unknown.status_code, unknown.json()["error"]) == (404, "not_found")
    answer = await client.put(path, json={"kind": "issue"}, headers=held["operate"])
    assert (answer.status_code, answer.json()["task"][:8]) == (200, OURS)
    linked = "SELECT kind, number, evidence FROM task_github_links"
    assert connection.execute(linked).fetchall() == [("issue", 7, "mona")]
    taken = await client.delete(path, headers=held["operate"])
    assert taken.status_code == 404  # of what number that is, nobody says
    connection.execute("""INSERT INTO github_issues (repository_id, github_id, number, title, state, observed_at,
      observed_by, sync_source) SELECT id, '70', 7, 'x', 'open', now(), 'api', 'backfill' FROM github_repositories
      WHERE full_name = 'acme/web'""")
    assert (await client.delete(path, headers=held["operate"])).status_code == 200
    assert connection.execute(linked).fetchall() == []
    assert [act["action"] for act in acts_of()] == ["task.linked", "task.unlinked"]


async def test_who_asks_is_told_whose_key_it_is(client: httpx.AsyncClient, held: Held) -> None:
    for scope, shown in held.items():
        answer = await client.get("/api/whoami", headers=shown)
        assert answer.json() == {"user": "mona", "key": f"to {scope}", "scope": scope}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/deliveries/rival%2Fweb/replay", None),
        ("POST", "/api/repositories/rival/web/resync", None),
        ("PUT", "/api/repositories/rival/web/project", {"project": "acme/acme-web"}),
        ("PUT", "/api/repositories/acme/web/project", {"project": "rival/rival-ops"}),
        ("PUT", f"/api/tasks/{THEIRS}/links/acme/web/7", {"kind": "issue"}),
        ("PUT", f"/api/tasks/{OURS}/links/rival/web/7", {"kind": "issue"}),
        ("DELETE", f"/api/tasks/{THEIRS}/links/acme/web/7", None),
    ],
)
async def test_what_is_anothers_is_not_there(
    client: httpx.AsyncClient,
    held: Held,
    connection: psycopg.Connection,
    acts_of: Callable[[], list[Row]],
    method: str,
    path: str,
    body: object,
) -> None:
    number = str(_number(connection, "rival/web"))
    asked = path.replace("rival%2Fweb", number)
    hidden = await client.request(method, asked, json=body, headers=held["admin"])
    assert (hidden.status_code, hidden.json()["error"]) == (404, "not_found")

    def elsewhere(text: str) -> str:
        """The same of what nobody has."""
        return text.replace("rival", "nobody").replace(THEIRS, "33333333").replace(number, "99")

    named = {"project": "nobody/nobody-ops"} if "rival" in str(body) else body
    missing = await client.request(method, elsewhere(asked), json=named, headers=held["admin"])
    assert elsewhere(hidden.json()["detail"]) == missing.json()["detail"]
    assert acts_of() == []


def _number(connection: psycopg.Connection, repository: str) -> int:
    found = connection.execute("SELECT id FROM webhook_deliveries WHERE repository = %s", [repository]).fetchone()
    assert found
    return int(found[0])


async def test_what_left_the_app_is_not_there_for_anybody(
    client: httpx.AsyncClient, held: Held, connection: psycopg.Connection
) -> None:
    connection.execute("UPDATE github_repositories SET removed_at = now()")
    answer = await client.post("/api/repositories/acme/web/resync", headers=held["operate"])
    assert answer.status_code == 404


async def test_a_delivery_of_an_account_is_its_members(
    client: httpx.AsyncClient, held: Held, connection: psycopg.Connection
) -> None:
    connection.execute("""
        INSERT INTO github_installations
          (github_id, organization_id, account_id, account_login, observed_at, observed_by, sync_source)
        SELECT '5' || github_account_id, id, github_account_id, slug, now(), 'api', 'backfill' FROM organizations;
        UPDATE webhook_deliveries SET repository = NULL,
          installation_id = CASE repository WHEN 'acme/web' THEN '51' ELSE '52' END""")
    states = {
        guid: (await client.post(f"/api/deliveries/{number}/replay", headers=held["operate"])).status_code
        for number, guid in connection.execute("SELECT id, guid FROM webhook_deliveries").fetchall()
    }
    assert states == {"acme/web": 200, "rival/web": 404}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
async def test_nobody_does_anything_without_a_key_that_is_for_it(
    client: httpx.AsyncClient, held: Held, acts_of: Callable[[], list[Row]], operation: Any
) -> None:
    path = operation.path.replace("{number:int}", "7").replace("{owner}/{name}", "acme/web")
    path = path.replace("{delivery}", "1").replace("{task}", OURS)
    body = {"project": "acme/acme-ops"} if "project" in path else None
    stranger = await client.request(operation.method, path, json=body)
    assert (stranger.status_code, stranger.json()["error"]) == (401, "not_authenticated")
    assert stranger.headers["www-authenticate"].startswith("Bearer")
    if operation.scope != "read":
        lesser_scope = "read" if operation.scope == "operate" else "operate"
        refused = await client.request(operation.method, path, json=body, headers=held[lesser_scope])
        assert (refused.status_code, refused.json()["error"]) == (403, "not_allowed")
        (denied,) = acts_of()
        assert (denied["action"], denied["action_result"], denied["request_url"]) == ("request.denied", "denied", path)
        assert denied["new_values"] == {"asked": operation.scope, "granted": lesser_scope}
    else:
        assert acts_of() == []


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b"{", "application/json", 400, "The body is not what this takes"),
        (b"[]", "application/json", 400, "Expected `object`, got `array`"),
        (b'{"project": 5}', "application/json", 400, "Expected `str`, got `int` - at `$.project`"),
        (b'{"project": "a", "by": 1}', "application/json", 400, "unknown field `by`"),
        (b"", "application/json", 400, "missing required field `project`"),
        (b"\xff", "application/json", 400, "The body is not what this takes"),
        (b'{"project": "a\\u0000b"}', "application/json", 400, "give another"),
        (b'{"project": "a\\ud800b"}', "application/json", 400, "The body is not what this takes"),
        (b"project=a", "application/x-www-form-urlencoded", 415, "Content-Type must be application/json"),
        (b" " * 16_385, "application/json", 413, "larger than 16384 bytes"),
    ],
)
async def test_a_body_that_it_does_not_take_is_told_in_a_sentence(
    client: httpx.AsyncClient, held: Held, body: bytes, kind: str, status: int, said: str
) -> None:
    answer = await client.put(
        "/api/repositories/acme/web/project", content=body, headers=held["admin"] | {"Content-Type": kind}
    )
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/deliveries/%00/replay", 400),
        ("POST", "/api/deliveries/999999999999999999999/replay", 404),
        ("PUT", f"/api/tasks/{OURS}/links/acme/web/99999999999999999999", 404),
        ("PUT", f"/api/tasks/{OURS}/links/acme/web/0", 404),
        ("PUT", f"/api/tasks/{OURS}/links/acme/web/seven", 404),
        ("PUT", "/api/tasks/a/links/acme/web/7", 404),
        ("GET", "/api/repositories/acme/web/resync", 405),
        ("GET", "/api", 404),
    ],
)
async def test_an_address_that_names_nothing_is_told_so(
    client: httpx.AsyncClient, held: Held, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path, headers=held["admin"])
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"].endswith(".")
