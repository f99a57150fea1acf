import pytest

from ghsync.simulator.actions import conversations, issues
from tests.simulator.graphql.conftest import Asking

PAGE = (
    "nodes { number } edges { cursor node { number } } pageInfo { hasNextPage hasPreviousPage endCursor startCursor }"
)


@pytest.fixture
def many(asking: Asking) -> Asking:
    """Five issues, a minute apart."""
    scene = asking.scene
    for number in range(1, 6):
        scene.world.clock.advance(minutes=1)
        issues.open_issue(scene.world, scene.repository, f"Issue {number}", by=scene.ada)
    return asking


def test_pages_lead_on_until_nothing_is_left(many: Asking) -> None:
    first = many.repository(f"issues(first: 2) {{ totalCount {PAGE} }}")["issues"]
    assert first["totalCount"] == 5
    assert [node["number"] for node in first["nodes"]] == [1, 2]
    assert first["edges"][1]["cursor"] == first["pageInfo"]["endCursor"]
    second = many.repository(f'issues(first: 3, after: "{first["pageInfo"]["endCursor"]}") {{ {PAGE} }}')["issues"]
    assert [node["number"] for node in second["nodes"]] == [3, 4, 5]
    assert (second["pageInfo"]["hasNextPage"], second["pageInfo"]["hasPreviousPage"]) == (False, True)


def test_the_last_come_from_the_end(many: Asking) -> None:
    last = many.repository(f"issues(last: 2) {{ {PAGE} }}")["issues"]
    assert [node["number"] for node in last["nodes"]] == [4, 5]
    before = many.repository(f'issues(last: 2, before: "{last["pageInfo"]["startCursor"]}") {{ {PAGE} }}')["issues"]
    assert [node["number"] for node in before["nodes"]] == [2, 3]


def test_what_is_changed_meanwhile_moves_across_pages(many: Asking) -> None:
    order = "orderBy: {field: UPDATED_AT, direction: ASC}"
    first = many.repository(f"issues(first: 2, {order}) {{ {PAGE} }}")["issues"]
    scene = many.scene
    scene.world.clock.advance(minutes=1)
    conversations.edit(scene.world, scene.repository.issues[1], by=scene.ada, title="Changed")
    rest = many.repository(f'issues(first: 9, {order}, after: "{first["pageInfo"]["endCursor"]}") {{ {PAGE} }}')
    assert [node["number"] for node in rest["issues"]["nodes"]] == [3, 4, 5, 1]


def test_a_cursor_outlives_what_it_was_made_for(many: Asking) -> None:
    first = many.repository(f"issues(first: 2) {{ {PAGE} }}")["issues"]
    issues.delete(many.scene.world, many.scene.repository.issues[2], by=many.scene.ada)
    rest = many.repository(f'issues(first: 9, after: "{first["pageInfo"]["endCursor"]}") {{ {PAGE} }}')["issues"]
    assert [node["number"] for node in rest["nodes"]] == [3, 4, 5]


def test_the_newest_come_first_where_that_is_asked_for(many: Asking) -> None:
    order = "orderBy: {field: CREATED_AT, direction: DESC}"
    first = many.repository(f"issues(first: 2, {order}) {{ {PAGE} }}")["issues"]
    second = many.repository(f'issues(first: 2, {order}, after: "{first["pageInfo"]["endCursor"]}") {{ {PAGE} }}')
    assert [node["number"] for node in first["nodes"] + second["issues"]["nodes"]] == [5, 4, 3, 2]


def test_issues_are_filtered_by_state_and_by_the_time_of_their_change(many: Asking) -> None:
    scene = many.scene
    scene.world.clock.advance(minutes=1)
    issues.close(scene.world, scene.repository.issues[1], by=scene.ada)
    since = scene.repository.issues[1].as_json()["updated_at"]
    assert many.repository("issues(states: [OPEN]) { totalCount }")["issues"]["totalCount"] == 4
    changed = many.repository(f'issues(first: 9, filterBy: {{since: "{since}"}}) {{ nodes {{ number }} }}')
    assert changed["issues"]["nodes"] == [{"number": 1}]


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ("", "MISSING_PAGINATION_BOUNDARIES"),
        ("(first: 101)", "EXCESSIVE_PAGINATION"),
        ("(last: 101)", "EXCESSIVE_PAGINATION"),
        ("(first: -1)", "INVALID_PAGINATION"),
        ('(first: 1, after: "nonsense")', "INVALID_CURSOR_ARGUMENTS"),
    ],
)
def test_a_page_has_bounds(many: Asking, arguments: str, kind: str) -> None:
    query = f'{{ repository(owner: "lighthouse", name: "lamp") {{ issues{arguments} {{ nodes {{ id }} }} }} }}'
    answered = many.answer(query)
    assert answered.status == 200
    assert many.errors(query) == [(kind, ["repository", "issues"])]
    assert answered.payload["data"] == {"repository": None}


def test_a_total_needs_no_bounds(many: Asking) -> None:
    assert many.repository("issues { totalCount }")["issues"]["totalCount"] == 5
