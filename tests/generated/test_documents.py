"""Every GraphQL document that ghsync sends is valid by GitHub's own schema, whatever is left out of it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import NoDeprecatedCustomRule, parse, validate

import ghsync
from ghsync.github import introspection
from ghsync.mirror.nouns import LISTED
from tests.conformance import published
from tests.generated import queries
from tests.generated.answering import Answering, body

pytestmark = published.needed

# Asked for in the place of what a server does not know yet.
DEPRECATED = {"PullRequest.databaseId", "PullRequestReview.databaseId", "PullRequestReviewComment.databaseId"}


def names_asked_for() -> Iterator[str]:
    """The documents that a session is asked for anywhere: by a name, or by that of a noun's listing."""
    yield from (thing.noun.listing.query for thing in LISTED if thing.noun.listing.query)
    for path in Path(ghsync.__file__).parent.rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text if "session.graphql(" in text else "")):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "session.graphql":
                yield from (each.value for each in node.args[:1] if isinstance(each, ast.Constant))


def test_every_document_is_asked_for_by_its_name() -> None:
    assert set(names_asked_for()) == set(queries.NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", queries.NAMES)
def test_every_variant_is_valid(name: str) -> None:
    refused = {
        left_out: validate(published.schema(), queries.asked(name, left_out)) for left_out in queries.variants(name)
    }
    assert {left_out: errors for left_out, errors in refused.items() if errors} == {}


@pytest.mark.parametrize("name", queries.NAMES)
def test_nothing_deprecated_is_asked_for_but_what_is_known(name: str) -> None:
    variants = (queries.WHOLE, frozenset(queries.parts(name)))
    messages = [
        error.message
        for left_out in variants
        for error in validate(published.schema(), queries.asked(name, left_out), [NoDeprecatedCustomRule])
    ]
    assert [message for message in messages if message.split()[2] not in DEPRECATED] == []


def test_the_schema_is_asked_for_as_it_may_be_and_lacks_nothing() -> None:
    document = parse(introspection.QUERY)
    assert validate(published.schema(), document) == []
    data = Answering(lambda path, options: 0).data(document, {})
    assert introspection.lacking(body(data)) == {}
