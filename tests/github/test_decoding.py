"""Answers whose texts are none are read like any others."""

import msgspec
import pytest

from ghsync.errors import UnreadableAnswer
from ghsync.github import partial
from ghsync.github.decoding import decoded
from ghsync.github.graphql import answers

titles = msgspec.json.Decoder(dict[str, str])

ODD = pytest.mark.parametrize("text", [b"half \\ud83d", b"half \xff", b"half \\udc00"])


@ODD
def test_half_of_a_character_is_mended(text: bytes) -> None:
    assert decoded(b'{"title":"%s"}' % text, titles, "It") == {"title": "half \N{REPLACEMENT CHARACTER}"}


@ODD
def test_it_keeps_graphql_from_reading_nothing(text: bytes) -> None:
    node = b'{"id":"R_1","databaseId":1,"nameWithOwner":"%s","updatedAt":"2026-03-02T12:00:00Z",' % text
    size = b'"issues":{"totalCount":0,"nodes":[]},"pullRequests":{"totalCount":0,"nodes":[]}}'
    envelope = partial.read(b'{"data":{"nodes":[%s%s]},"errors":[{"message":"%s"}]}' % (node, size, text))
    (shown,) = answers.newest(bytes(envelope.data))
    assert shown is not None
    assert [shown.name_with_owner, envelope.errors[0].message] == ["half \N{REPLACEMENT CHARACTER}"] * 2


def test_what_is_no_text_at_all_is_told() -> None:
    with pytest.raises(UnreadableAnswer, match="It is not what was asked for"):
        decoded(b'{"title":7, "\xff":""}', titles, "It")
