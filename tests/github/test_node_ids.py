"""Numbers are read from node ids of today's form, of the right repository, and from no others."""

import pytest

from ghsync.github import node_ids
from ghsync.github.graphql.checks import Commit, Context, Head, PullRequestCommit, PullRequestCommits, StatusNode
from ghsync.simulator.identity import node_id
from tests.mirror.reports import at

REPOSITORY = 204671232


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (node_id("SC", REPOSITORY, 21637263246), 21637263246),
        (node_id("SC", REPOSITORY + 1, 21637263246), None),
        (node_id("SC", REPOSITORY), None),
        (node_id("SC", REPOSITORY, 7, 8), None),
        (node_id("SC", REPOSITORY, "seven"), None),
        ("MDEzOlN0YXR1c0NvbnRleHQx", None),
        ("SC_", None),
        ("SC_!", None),
        ("", None),
    ],
)
def test_a_number_is_read_only_where_the_form_and_the_repository_are_right(text: str, number: int | None) -> None:
    assert node_ids.number(text, REPOSITORY) == number


@pytest.mark.parametrize(
    ("text", "number", "repository"),
    [
        ("LA_kwDOG2DFqM8AAAABRqoX_g", 5480519678, 459326888),
        ("LA_kwDOLaBElc8AAAACNAA83A", 9462365404, 765478037),
        ("LA_kwDOIVTLe88AAAABGmTfAQ", 4737785601, 559205243),
        ("LA_kwDOAeUeuM78TlZT", 4232992339, 31792824),
        ("LA_kwDOAJy2Ks8AAAABnpjO_g", 6955781886, 10270250),
        ("LA_kwDOS9WE8s8AAAACnzSrKA", 11260963624, 1272284402),
        ("MI_kwDOPcUORc4Azclb", 13486427, 1036324421),
        ("MI_kwDOAAkfd84Abx8-", 7282494, 597879),
        ("MI_kwDOAQpCGs4AauCd", 7004317, 17449498),
        ("MI_kwDOJ-ZrdM4AyMJa", 13156954, 669412212),
    ],
)
def test_the_numbers_that_rest_tells_of_labels_and_milestones_are_in_their_node_ids(
    text: str, number: int, repository: int
) -> None:
    """Pairs that GitHub's REST API has told of public repositories."""
    assert node_ids.number(text, repository) == number


def head(pull_request: str, context: str) -> Head:
    """A head with one status."""
    status = StatusNode((Context(context, "ci", "SUCCESS", at(0)),))
    commit = Commit("a" * 40, status=status)
    return Head(
        id=pull_request, full_database_id=70, number=7, head_ref_oid="a" * 40,
        last_commit=PullRequestCommits((PullRequestCommit(commit),)),
    )  # fmt: skip


def test_node_ids_are_believed_where_that_of_the_pull_request_says_what_graphql_tells_of_it() -> None:
    status = node_id("SC", REPOSITORY, 5)
    (told,) = head(node_id("PR", REPOSITORY, 70), status).statuses(REPOSITORY) or ()
    assert (told.id, told.context, told.state) == (5, "ci", "success")
    assert head(node_id("PR", REPOSITORY, 71), status).statuses(REPOSITORY) is None
    assert head(node_id("PR", REPOSITORY, 70), "MDEzOlN0YXR1c0NvbnRleHQx").statuses(REPOSITORY) is None
