from typing import Any

import pytest

from ghsync.simulator.account import GITHUB_ACTIONS
from ghsync.simulator.actions import releases
from tests.simulator.graphql.conftest import Asking

FIELDS = """
id databaseId tagName name description url isDraft isPrerelease createdAt publishedAt updatedAt
author { __typename login databaseId }
"""


def listed(asking: Asking, arguments: str = "first: 5", fields: str = "tagName") -> Any:
    """The releases of the scene's repository."""
    page = f"totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {fields} }}"
    return asking.repository(f"releases({arguments}) {{ {page} }}")["releases"]


def tags(shown: Any) -> list[str]:
    return [each["tagName"] for each in shown["nodes"]]


def test_a_release_says_what_rest_says(asking: Asking) -> None:
    scene = asking.scene
    made = releases.create(scene.world, scene.repository, "v1.0", by=scene.ada, name="Lit", body="Bright.")
    rest = made.as_rest_json()
    (shown,) = listed(asking, fields=FIELDS)["nodes"]
    assert shown == {
        "id": rest["node_id"],
        "databaseId": rest["id"],
        "tagName": rest["tag_name"],
        "name": rest["name"],
        "description": rest["body"],
        "url": rest["html_url"],
        "isDraft": rest["draft"],
        "isPrerelease": rest["prerelease"],
        "createdAt": rest["created_at"],
        "publishedAt": rest["published_at"],
        "updatedAt": rest["updated_at"],
        "author": {"__typename": "User", "login": "ada", "databaseId": scene.ada.id},
    }


def test_nobody_is_named_who_wrote_what_a_bot_or_a_ghost_did(asking: Asking) -> None:
    scene = asking.scene
    scene.ben.deleted = True
    for number, author in enumerate((GITHUB_ACTIONS, scene.ben)):
        releases.create(scene.world, scene.repository, f"v{number}", by=author)
    shown = listed(asking, fields="author { login }")["nodes"]
    assert shown == [{"author": None}, {"author": None}]


def test_releases_are_listed_in_an_order_and_in_pages(asking: Asking) -> None:
    scene = asking.scene
    for number, name in enumerate("bca"):
        releases.create(scene.world, scene.repository, f"v{number}", by=scene.ada, name=name)
    newest = "first: 2, orderBy: {field: CREATED_AT, direction: DESC}"
    first = listed(asking, newest)
    assert (first["totalCount"], tags(first), first["pageInfo"]["hasNextPage"]) == (3, ["v2", "v1"], True)
    rest = listed(asking, f'{newest}, after: "{first["pageInfo"]["endCursor"]}"')
    assert (tags(rest), rest["pageInfo"]["hasNextPage"]) == (["v0"], False)
    assert tags(listed(asking, "first: 3, orderBy: {field: NAME, direction: ASC}")) == ["v2", "v0", "v1"]


@pytest.mark.parametrize(("pushing", "seen"), [(False, []), (True, ["v1.0"])])
def test_drafts_are_shown_to_who_may_push(asking: Asking, pushing: bool, seen: list[str]) -> None:
    scene = asking.scene
    draft = releases.create(scene.world, scene.repository, "v1.0", by=scene.ada, draft=True)
    asking.eyes.pushing = pushing
    shown = listed(asking)
    assert (tags(shown), shown["totalCount"]) == (seen, len(seen))
    assert asking.errors(f'{{ node(id: "{draft.node_id}") {{ id }} }}') == [("NOT_FOUND", ["node"])]


def test_who_may_not_read_contents_is_shown_no_releases(asking: Asking) -> None:
    asking.eyes.forbidden.append("contents")
    query = '{ repository(owner: "lighthouse", name: "lamp") { releases(first: 1) { totalCount } } }'
    assert asking.errors(query) == [("FORBIDDEN", ["repository", "releases"])]
