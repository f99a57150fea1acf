"""The client: what is asked, what is answered, and what is raised instead."""

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
import respx
from githubkit import Response

from ghsync.errors import (
    AccessLost,
    BadCredentials,
    GhsyncError,
    GitHubUnavailable,
    GitHubUnreachable,
    Gone,
    Moved,
    NotConfigured,
    NotFound,
    PermissionMissing,
    RateLimited,
    RefusedByGitHub,
    Suspended,
    SwitchedOff,
    UnavailableForLegalReasons,
    UnreadableAnswer,
)
from ghsync.github.client import GitHub, Meter
from ghsync.github.kit import Requests
from tests.github.answers import answer, get, headers, refusal
from tests.github.conftest import API, APP_ID, TOKEN, Make, Time

pytestmark = pytest.mark.anyio


async def read(github: GitHub, path: str, into: list[bytes], **options: object) -> list[bytes]:
    """The pages of a listing; what was read before it broke off is in ``into`` too."""
    credential = await github.credential_for(None)
    async for page in github.pages(credential, path, priority="sweep", meter=Meter(), **options):
        into.append(page.body)
    return into


async def test_an_answer_is_the_bytes_that_came(client: Make, api: respx.MockRouter) -> None:
    raw = b'{"name":  "caf\\u00e9 \\u0000 \xf0\x9f\x98\x80"}'
    api.get("/user").respond(200, content=raw, headers=headers())

    found = await get(client())

    assert (found.body, found.status, found.unchanged) == (raw, 200, False)


async def test_a_request_says_who_asks_and_for_which_version(client: Make, api: respx.MockRouter) -> None:
    route = api.get("/repos/o/r/issues", params={"state": "all", "page": "2"}).mock(return_value=answer([]))
    meter = Meter()

    await get(client(), "/repos/o/r/issues", params={"state": "all", "page": 2, "since": None}, meter=meter)

    sent = route.calls.last.request.headers
    assert sent["authorization"] == f"Bearer {TOKEN}"
    assert sent["x-github-api-version"] == "2022-11-28"
    assert sent["accept"] == "application/vnd.github+json"
    assert sent["user-agent"].startswith("ghsync/")
    assert meter.requests == 1


async def test_parameters_are_written_as_github_writes_them(client: Make, api: respx.MockRouter) -> None:
    route = api.get("/repos/o/r/issues").mock(return_value=answer([]))
    since = datetime(2026, 3, 2, 10, 10, 0, 500, tzinfo=timezone(timedelta(hours=1)))

    await get(client(), "/repos/o/r/issues?page=2", params={"since": since, "deep": True, "labels": "a,b c"})

    assert dict(route.calls.last.request.url.params) == {
        "page": "2", "since": "2026-03-02T09:10:00Z", "deep": "true", "labels": "a,b c"
    }  # fmt: skip


async def test_an_answer_was_true_when_its_request_began(client: Make, api: respx.MockRouter) -> None:
    github = client()
    began: list[datetime] = []

    def slowly(_: httpx.Request) -> httpx.Response:
        began.append(github.now())
        return answer()

    api.get("/user").mock(side_effect=slowly)
    before = github.now()
    found = await get(github)

    assert before <= found.observed_at <= began[0]


async def test_its_time_is_by_github_s_clock(client: Make, api: respx.MockRouter) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    api.get("/user").mock(return_value=httpx.Response(200, json={}, headers={"date": format_datetime(later, True)}))
    github = client()

    found = await get(github)

    assert abs(found.observed_at - later) < timedelta(seconds=2)
    assert abs(github.now() - later) < timedelta(seconds=5)
    assert 3590 < github.clock_offset_seconds < 3601


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_told_and_not_followed(client: Make, api: respx.MockRouter, status: int) -> None:
    api.get("/repos/o/old/issues/1").respond(status, headers={"location": "/repositories/7/issues/2"})

    with pytest.raises(Moved) as moved:
        await get(client(), "/repos/o/old/issues/1")

    assert moved.value.location == f"{API}/repositories/7/issues/2"
    assert api.calls.call_count == 1


@pytest.mark.parametrize("headers", [{"location": "/repos/o/r/issues/1"}, {}], ids=["itself", "nowhere"])
async def test_a_redirect_to_itself_says_nothing(client: Make, api: respx.MockRouter, headers: dict[str, str]) -> None:
    api.get("/repos/o/r/issues/1").respond(301, headers=headers)

    with pytest.raises(UnreadableAnswer, match="redirects /repos/o/r/issues/1 to itself"):
        await get(client(), "/repos/o/r/issues/1")


@pytest.mark.parametrize(
    ("status", "message", "error", "sentence"),
    [
        (404, "Not Found", NotFound, "no /repos/o/r, or does not show"),
        (410, "This issue was deleted", Gone, "was deleted"),
        (451, "Repository access blocked", UnavailableForLegalReasons, "legal reasons"),
        (422, "Validation Failed.", RefusedByGitHub, "422 (Validation Failed)"),
        (401, "Bad credentials", BadCredentials, "make a new one on GitHub"),
        (403, "Resource not accessible by integration", PermissionMissing, "(it takes issues: read)"),
        (403, "Must have admin rights to Repository.", PermissionMissing, "lacks a permission for /repos/o/r"),
        (403, "This installation has been suspended", Suspended, "is suspended"),
        (403, "Resource protected by organization SAML enforcement.", AccessLost, "SAML"),
        (403, "Repository access blocked", UnavailableForLegalReasons, "has blocked"),
    ],
)
async def test_a_refusal_is_an_error_that_says_what_it_is(
    client: Make, api: respx.MockRouter, status: int, message: str, error: type[GhsyncError], sentence: str
) -> None:
    api.get("/repos/o/r").mock(
        return_value=refusal(
            message, status, x_accepted_github_permissions="issues=read" if "integration" in message else ""
        )
    )
    with pytest.raises(GhsyncError) as raised:
        await get(client(), "/repos/o/r")

    assert type(raised.value) is error
    assert sentence in str(raised.value)
    assert api.calls.call_count == 1


@pytest.mark.parametrize(
    "message",
    [
        "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        "'Expiration time' claim ('exp') is too far in the future",
    ],
)
async def test_a_clock_that_is_off_and_does_not_help_is_named_with_how_far(
    client: Make, api: respx.MockRouter, private_key: str, message: str
) -> None:
    date = format_datetime(datetime.now(UTC) - timedelta(minutes=5), True)
    api.get("/app").mock(return_value=httpx.Response(401, json={"message": message}, headers={"date": date}))
    github = client(app_id=APP_ID, private_key=private_key)

    with pytest.raises(BadCredentials, match=r"clock is (298|299|300) s ahead of GitHub's: set it right"):
        await get(github, "/app", credential=github.app)


async def test_a_key_that_was_revoked_is_named(client: Make, api: respx.MockRouter, private_key: str) -> None:
    api.get("/app").mock(return_value=refusal("A JSON web token could not be decoded", 401))
    github = client(app_id=APP_ID, private_key=private_key)

    with pytest.raises(BadCredentials, match="generate a new private key"):
        await get(github, "/app", credential=github.app)


async def test_a_token_is_sent_nowhere_else(client: Make, api: respx.MockRouter) -> None:
    api.get("/user/repos").mock(return_value=answer([], link='<https://elsewhere.test/page2>; rel="next"'))

    with pytest.raises(RefusedByGitHub, match="no token is sent there"):
        await get(client(), "https://api.github.test.elsewhere.test/user")
    with pytest.raises(RefusedByGitHub, match="no token is sent there"):
        await read(client(), "/user/repos", [])


async def test_an_address_from_an_answer_can_be_asked(client: Make, api: respx.MockRouter) -> None:
    api.get("/repositories/7").mock(return_value=answer({"id": 7}))

    assert (await get(client(), f"{API}/repositories/7")).body == b'{"id":7}'


async def test_a_listing_is_read_to_its_last_page(client: Make, api: respx.MockRouter) -> None:
    second = f"{API}/repositories/7/issues?per_page=100&after=Y3Vyc29y"
    api.get("/repos/o/r/issues", params={"per_page": "100", "state": "all"}).mock(
        return_value=answer([1], link=f'<{second}>; rel="next", <{second}>; rel="last"')
    )
    api.get("/repositories/7/issues", params={"after": "Y3Vyc29y"}).mock(return_value=answer([2]))

    assert await read(client(), "/repos/o/r/issues", [], params={"state": "all"}) == [b"[1]", b"[2]"]


async def test_a_listing_that_breaks_off_raises(client: Make, api: respx.MockRouter) -> None:
    api.get("/labels", params={"page": "2"}).mock(return_value=refusal("Server Error", 502))
    api.get("/labels").mock(return_value=answer([1], link=f'<{API}/labels?page=2>; rel="next"'))
    pages: list[bytes] = []

    with pytest.raises(GitHubUnavailable):
        await read(client(), "/labels", pages)

    assert pages == [b"[1]"]


async def test_a_listing_that_goes_round_raises(client: Make, api: respx.MockRouter) -> None:
    api.get("/labels", params={"page": "2"}).mock(return_value=answer([2], link=f'<{API}/labels?page=2>; rel="next"'))

    with pytest.raises(GitHubUnavailable, match="circle"):
        await read(client(), "/labels", [], params={"page": 2, "per_page": None})


async def test_a_bad_moment_of_github_s_is_waited_for(client: Make, api: respx.MockRouter, time: Time) -> None:
    api.get("/user").mock(side_effect=[refusal("Server Error", 502), httpx.ReadError("cut off"), answer({"id": 1})])
    meter = Meter()

    assert (await get(client(), meter=meter)).body == b'{"id":1}'
    assert meter.requests == 3
    assert len(time.waits) == 2
    assert time.waits[0] < time.waits[1] < 3.1


async def test_a_bad_day_is_told_after_three_attempts(client: Make, api: respx.MockRouter) -> None:
    route = api.get("/user")
    route.mock(return_value=refusal("Unicorn", 500))
    with pytest.raises(GitHubUnavailable, match="answered /user with 500"):
        await get(client())
    assert route.call_count == 3

    route.mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(GitHubUnreachable, match=r"cannot be reached at api\.github\.test \(refused\)"):
        await get(client())
    assert route.call_count == 6


async def test_a_page_of_a_proxy_is_no_answer(client: Make, api: respx.MockRouter) -> None:
    route = api.get("/user").respond(200, html="<h1>Please log in</h1>")

    with pytest.raises(GitHubUnavailable, match="no JSON"):
        await get(client())
    assert route.call_count == 3


def redeliver(github: Requests) -> Awaitable[Response[Any]]:
    return github.rest.apps.async_redeliver_webhook_delivery(1)


async def test_what_changes_something_is_asked_for_once(client: Make, api: respx.MockRouter, time: Time) -> None:
    route = api.post("/app/hook/deliveries/1/attempts").mock(side_effect=[answer({}, 202), httpx.ReadTimeout("late")])
    github = client()
    credential = await github.credential_for(None)

    done = await github.call(credential, redeliver, priority="event", meter=Meter(), again=False)
    with pytest.raises(GitHubUnreachable):
        await github.call(credential, redeliver, priority="event", meter=Meter(), again=False)

    assert done.status == 202
    assert route.call_count == 2
    assert time.waits == []


@pytest.mark.parametrize("api_url", ["https://github.corp.test/api/v3", "https://api.octocorp.ghe.com/"])
async def test_what_githubkit_words_goes_below_the_address_and_asks_for_our_version(client: Make, api_url: str) -> None:
    with respx.mock(base_url=api_url.rstrip("/")) as api:
        route = api.post("/app/hook/deliveries/1/attempts").mock(return_value=answer({}, 202))
        github = client(api_url=api_url, token=TOKEN)
        credential = await github.credential_for(None)
        await github.call(credential, redeliver, priority="event", meter=Meter(), again=False)
    assert route.calls.last.request.headers["x-github-api-version"] == "2022-11-28"


@pytest.mark.parametrize(
    ("api_url", "graphql_url"),
    [
        ("https://api.github.com/", "https://api.github.com/graphql"),
        ("https://api.octocorp.ghe.com", "https://api.octocorp.ghe.com/graphql"),
        ("https://github.corp.test/api/v3", "https://github.corp.test/api/graphql"),
        ("http://127.0.0.1:8020", "http://127.0.0.1:8020/graphql"),
    ],
)
async def test_graphql_is_beside_rest(client: Make, api_url: str, graphql_url: str) -> None:
    github = client(api_url=api_url, token=TOKEN)

    assert (github.api_url, github.graphql_url) == (api_url.rstrip("/"), graphql_url)


async def test_an_enterprise_server_is_asked_below_its_version(client: Make) -> None:
    with respx.mock as router:
        router.get("https://github.corp.test/api/v3/user").mock(return_value=answer({"id": 1}))

        found = await get(client(api_url="https://github.corp.test/api/v3", token=TOKEN))

    assert found.body == b'{"id":1}'


async def test_an_installation_asks_for_itself_and_a_token_for_everything(client: Make, private_key: str) -> None:
    app = client(app_id=APP_ID, private_key=private_key)
    person = client(token=TOKEN)
    both = client(app_id=APP_ID, private_key=private_key, token=TOKEN)

    assert app.app.key == "app:4711"
    assert (await app.credential_for(8)).key == "installation:8"
    assert (await person.credential_for(8)).key == (await person.credential_for(None)).key
    assert (await both.credential_for(8)).kind == "installation"
    assert (await both.credential_for(None)).kind == "token"
    assert TOKEN not in (await person.credential_for(None)).key
    with pytest.raises(NotConfigured, match="install it, or set GHSYNC_TOKEN"):
        await app.credential_for(None)
    with pytest.raises(NotConfigured, match="Nothing may read GitHub's API"):
        await client(api_url=API).credential_for(None)
    with pytest.raises(NotConfigured, match="No GitHub App is set up"):
        _ = person.app


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b'[{"id": 1'], ids=["empty", "html", "cut"])
async def test_what_is_no_answer_is_asked_for_three_times(client: Make, api: respx.MockRouter, body: bytes) -> None:
    route = api.get("/user").respond(200, content=body, headers=headers())

    with pytest.raises(UnreadableAnswer, match=r"The answer to /user is"):
        await get(client())

    assert route.call_count == 3


async def test_that_nothing_changed_is_no_answer_to_who_did_not_ask(client: Make, api: respx.MockRouter) -> None:
    api.get("/user").respond(304, headers=headers())

    with pytest.raises(UnreadableAnswer, match="which nobody asked"):
        await get(client())


async def test_pages_that_say_the_same_again_and_again_end(client: Make, api: respx.MockRouter) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        following = int(request.url.params.get("page", "1")) + 1
        return answer([1], link=f'<{API}/labels?page={following}>; rel="next"')

    route = api.get("/labels").mock(side_effect=page)

    with pytest.raises(UnreadableAnswer, match="do not move on"):
        await read(client(), "/labels", [])

    assert route.call_count == 2


async def test_a_refusal_with_nothing_left_is_a_limit_whatever_it_says(
    client: Make, api: respx.MockRouter, time: Time
) -> None:
    api.get("/user").mock(side_effect=[refusal("Forbidden", remaining=0, left=30), answer({"id": 1})])

    assert (await get(client())).body == b'{"id":1}'
    assert 28 < time.waits[0] < 32


async def test_a_permission_that_is_missing_is_no_limit_though_nothing_is_left(
    client: Make, api: respx.MockRouter
) -> None:
    api.get("/user").mock(return_value=refusal("Resource not accessible by integration", remaining=0))

    with pytest.raises(PermissionMissing):
        await get(client())


async def test_a_limit_that_is_told_for_ever_ends(client: Make, api: respx.MockRouter, time: Time) -> None:
    route = api.get("/user").mock(return_value=refusal("Slow down", 429, retry_after="0"))

    with pytest.raises(RateLimited, match="again and again"):
        await get(client())

    assert route.call_count == 5


async def test_capitals_in_a_host_make_no_difference(client: Make, api: respx.MockRouter) -> None:
    elsewhere = API.replace("api.github", "API.GitHub")
    api.get("/labels").mock(side_effect=[answer([1], link=f'<{elsewhere}/labels?page=2>; rel="next"'), answer([2])])

    github = client(api_url=elsewhere.replace("https", "HTTPS"), token=TOKEN)
    assert await read(github, "/labels", []) == [b"[1]", b"[2]"]


async def test_issues_that_are_switched_off_are_not_gone(client: Make, api: respx.MockRouter) -> None:
    api.get("/user").mock(return_value=refusal("Issues are disabled for this repo", 410))

    with pytest.raises(SwitchedOff, match="switched off on GitHub"):
        await get(client())
