"""What texts and branches say of tasks and issues. Pure, and linear in the text's length.

Closing keywords and references are GitHub's:
https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls

A text is Markdown, of which only the prose speaks: see `prose`. A URL names something of ours only where its host is
the mirrored one, which is that of the page with the text.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ghsync.tasks import prose

LIMIT = 100  # mentions of one text
LARGEST_NUMBER = 2**31 - 1

# The surest first: of a text that says too much, the least sure is left out.
SOURCES = ("task_trailer", "branch", "closing_keyword", "cross_reference")
GITHUB = "github.com"
# Leads to the same page, and makes no backlink: the page on autolinked references says so.
_REDIRECT = f"redirect.{GITHUB}"
KEYWORDS = frozenset({"close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"})

_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_BRANCH = re.compile(rf"task/({_UUID}|[0-9a-fA-F]{{8}})(?:[-/].*)?", re.DOTALL)
_TRAILER = re.compile(rf"([Tt][Aa][Ss][Kk]-[Ii][Dd]:[ \t]*({_UUID}))\s*")

_NAME = r"(?P<name>[A-Za-z0-9][A-Za-z0-9_-]{0,38}+/[A-Za-z0-9_.-]{1,100}+)"
_DIGITS, _END = "[1-9][0-9]{0,9}+", r"(?![^\W_])"  # an underscore may be emphasis
# The word before a reference is read with it, so that every reference has one keyword at most. Repetitions are bounded
# or possessive, and names begin only where words do: no character is looked at more than a fixed number of times.
# A URL is read as a whole: what looks like a reference within it is a part of another address.
_REFERENCE = re.compile(
    rf"(?:(?<![^\W_])(?<!-)(?P<word>[A-Za-z]{{3,8}}+)(?::\s*+|\s++))?"
    rf"(?P<reference>(?<![^\W_])(?<![/&#])(?:\#|[Gg][Hh]-)(?P<here>{_DIGITS}){_END}"
    rf"|(?<![\w/.@-]){_NAME}\#(?P<number>{_DIGITS}){_END}"
    rf"|(?<!\w)<?(?P<url>(?i:https?)://[^\s<>|{prose.OPAQUE}]++))"
)
_URL = re.compile(
    r"(?P<reference>(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]++(?::[0-9]++)?)"
    rf"/{_NAME}/(?P<kind>issues|pull)/(?P<number>{_DIGITS}){_END})(?P<more>[/?\#])?",
    re.IGNORECASE,
)
_HOST = re.compile("(https?)://([A-Za-z0-9.-]+(?::[0-9]+)?)(?:[/?#]|$)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_NUMBERED = re.compile("#[1-9]")


@dataclass(frozen=True, slots=True)
class Mention:
    """One thing that a text names: a task, by its id or the id's first eight characters, or an issue.

    ``target_name`` is owner/repo as written, None for the text's own repository; ``evidence`` is the words.
    """

    source: str
    task: str | None
    target_name: str | None
    target_number: int | None
    evidence: str


def mentions(title: str | None, body: str | None, branch: str | None, mirrored: str = GITHUB) -> list[Mention]:
    """What a pull request names: each thing once, the surest first, at most `LIMIT`.

    A URL names something where its host is ``mirrored``, as `host` has it.
    """
    paragraphs = _prose(body or "")
    # GitHub closes nothing because of a title, which is no Markdown but for code spans.
    said = _references([prose.visible(title or "", {})] if _may_speak(title or "") else [], mirrored)
    of_title = [replace(mention, source="cross_reference") for mention in said]
    return _surest([*_of_branch(branch or ""), *_trailers(paragraphs), *_references(paragraphs, mirrored), *of_title])


def host(page: str | None) -> str:
    """The host of a page of GitHub's, as others name it; where no page is known, github.com."""
    found = _HOST.match(page or "")
    return _host(found[1], found[2]) if found else GITHUB


def is_at(url: str, mirrored: str) -> bool:
    """Whether a URL is of the ``mirrored`` host, as `host` has it."""
    found = _HOST.match(url)
    return found is not None and _is_at(_host(found[1], found[2]), mirrored)


def _is_at(named: str, mirrored: str) -> bool:
    return named == mirrored or (named, mirrored) == (_REDIRECT, GITHUB)


def _host(scheme: str, authority: str) -> str:
    return authority.lower().removesuffix(_DEFAULT_PORTS[scheme.lower()]).removeprefix("www.")


def trailers(body: str | None) -> list[Mention]:
    """The tasks that an issue names in lines ``Task-ID: <uuid>``."""
    return _surest(_trailers(_prose(body or "")))


def _may_speak(text: str) -> bool:
    """False for nearly every text that names nothing, and known much sooner than what it names."""
    if _NUMBERED.search(text):
        return True
    lowered = text.lower()
    return "gh-" in lowered or "/issues/" in lowered or "/pull/" in lowered or "task-id:" in lowered


def _of_branch(branch: str) -> Iterator[Mention]:
    if named := _BRANCH.fullmatch(branch):
        yield Mention("branch", named[1].lower(), None, None, branch[:255])


def _trailers(paragraphs: Iterable[str]) -> Iterator[Mention]:
    for paragraph in paragraphs:
        for line in paragraph.split("\n"):
            if trailer := _TRAILER.fullmatch(line):
                yield Mention("task_trailer", trailer[2].lower(), None, None, trailer[1])


def _references(paragraphs: Iterable[str], mirrored: str) -> Iterator[Mention]:
    for paragraph in paragraphs:
        for line in paragraph.split("\n"):
            for match in _REFERENCE.finditer(line):
                mention = _address(match, mirrored) if match["url"] else _reference(match)
                if mention:
                    yield mention


def _reference(match: re.Match[str]) -> Mention:
    number = int(match["here"] or match["number"])
    return _mention(match, match["name"], number, match["reference"], closes=_has_keyword(match))


def _address(match: re.Match[str], mirrored: str) -> Mention | None:
    """What a URL names, if that is on the mirrored host."""
    url = _URL.match(match["url"])
    if not url:
        return None
    named = _host(url["scheme"], url["host"])
    if not _is_at(named, mirrored):
        return None
    # A pull request closes no other one, a URL that goes on is one of a comment, a file, ..., and a redirect is written
    # by who wants nothing to happen.
    closes = _has_keyword(match) and url["kind"].lower() != "pull" and not url["more"] and named != _REDIRECT
    return _mention(match, url["name"], int(url["number"]), url["reference"], closes=closes)


def _has_keyword(match: re.Match[str]) -> bool:
    return match["word"] is not None and match["word"].lower() in KEYWORDS


def _mention(match: re.Match[str], name: str | None, number: int, reference: str, *, closes: bool) -> Mention:
    before = match[0][: match.start("reference") - match.start()]
    return Mention(
        "closing_keyword" if closes else "cross_reference", None, name, number,
        before + reference if closes else reference,
    )  # fmt: skip


def _surest(found: Iterable[Mention]) -> list[Mention]:
    unique: dict[str, dict[object, Mention]] = {source: {} for source in SOURCES}
    for mention in found:
        if (mention.target_number or 0) <= LARGEST_NUMBER and len(unique[mention.source]) < LIMIT:
            name = mention.target_name and mention.target_name.lower()
            unique[mention.source].setdefault((mention.task, name, mention.target_number), mention)
    return [mention for source in SOURCES for mention in unique[source].values()][:LIMIT]


def _prose(text: str) -> list[str]:
    """The paragraphs of a Markdown text that may name something, with only what speaks in them."""
    return prose.paragraphs(text, _may_speak) if _may_speak(text) else []
