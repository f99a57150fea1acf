"""What texts and branches say of tasks and issues. Pure, and linear in the text's length.

Closing keywords and references are GitHub's:
https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls

A text is Markdown, and what it shows as code, quote or comment says nothing. Of CommonMark this knows what it takes to
tell those from prose: fences, indentation, list items, quotes, code spans, backslashes and HTML comments.
https://spec.commonmark.org/0.31.2/
"""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

LIMIT = 100  # mentions of one text
LARGEST_NUMBER = 2**31 - 1
INDENTED_CODE = 4  # spaces

# The surest first: of a text that says too much, the least sure is left out.
SOURCES = ("task_trailer", "branch", "closing_keyword", "cross_reference")
KEYWORDS = frozenset({"close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"})

_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_BRANCH = re.compile(rf"task/({_UUID}|[0-9a-fA-F]{{8}})(?:[-/].*)?", re.DOTALL)
_TRAILER = re.compile(rf"([Tt][Aa][Ss][Kk]-[Ii][Dd]:[ \t]*({_UUID}))\s*")

_NAME = r"([A-Za-z0-9][A-Za-z0-9_-]{0,38}+/[A-Za-z0-9_.-]{1,100}+)"
_NUMBER = r"([1-9][0-9]{0,9}+)(?![^\W_])"  # an underscore may be emphasis
# The word before a reference is read with it, so that every reference has one keyword at most. Repetitions are bounded
# or possessive, and names begin only where words do: no character is looked at more than a fixed number of times.
_REFERENCE = re.compile(
    rf"(?:(?<![^\W_])(?<!-)([A-Za-z]{{3,8}}+)(?::\s*+|\s++))?"
    rf"((?<![^\W_])(?<![/&#])(?:\#|[Gg][Hh]-){_NUMBER}"
    rf"|(?<![\w/.@-]){_NAME}\#{_NUMBER}"
    rf"|(?<!\w)https?://[A-Za-z0-9.-]{{1,253}}+(?::[0-9]{{1,5}}+)?/{_NAME}/(issues|pull)/{_NUMBER}(?=([/?\#])?))"
)
_NUMBERED = re.compile("#[1-9]")

_NEWLINE = re.compile(r"\r\n?|\n")
_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
_LIST_MARKER = re.compile(r"(?:[-+*]|[0-9]{1,9}[.)])(?: +|$)")
_HEADING = re.compile("#{1,6}(?: |$)")
_COMMENT, _COMMENT_END = "<!--", "-->"
_BACKTICKS = re.compile("`+")
_INLINE = re.compile(rf"\\[!-/:-@\[-`{{-~]|`+|{_COMMENT}")
_OPAQUE = "\N{OBJECT REPLACEMENT CHARACTER}"  # in the place of what says nothing: neither a word nor a space


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


def mentions(title: str | None, body: str | None, branch: str | None) -> list[Mention]:
    """What a pull request names: each thing once, the surest first, at most `LIMIT`."""
    paragraphs = _prose(body or "")
    # GitHub closes nothing because of a title.
    of_title = [replace(mention, source="cross_reference") for mention in _references(_speaking([title or ""]))]
    return _surest([*_of_branch(branch or ""), *_trailers(paragraphs), *_references(paragraphs), *of_title])


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


def _references(paragraphs: Iterable[str]) -> Iterator[Mention]:
    for paragraph in paragraphs:
        for line in paragraph.split("\n"):
            yield from map(_reference, _REFERENCE.finditer(line))


def _reference(match: re.Match[str]) -> Mention:
    word, reference, here, name, number, url_name, kind, url_number, more = match.groups()
    # A pull request closes no other one, and a URL that goes on is one of a comment, a file, ...
    closes = word is not None and word.lower() in KEYWORDS and kind != "pull" and not more
    return Mention(
        "closing_keyword" if closes else "cross_reference",
        None,
        name or url_name,
        int(here or number or url_number),
        match[0] if closes else reference,
    )


def _surest(found: Iterable[Mention]) -> list[Mention]:
    unique: dict[str, dict[object, Mention]] = {source: {} for source in SOURCES}
    for mention in found:
        if (mention.target_number or 0) <= LARGEST_NUMBER and len(unique[mention.source]) < LIMIT:
            name = mention.target_name and mention.target_name.lower()
            unique[mention.source].setdefault((mention.task, name, mention.target_number), mention)
    return [mention for source in SOURCES for mention in unique[source].values()][:LIMIT]


def _prose(text: str) -> list[str]:
    """The paragraphs of a Markdown text that may name something, with only what speaks in them."""
    return _speaking(_paragraphs(text)) if _may_speak(text) else []


def _speaking(paragraphs: Iterable[str]) -> list[str]:
    return [_visible(paragraph) for paragraph in paragraphs if _may_speak(paragraph)]


def _paragraphs(text: str) -> Iterator[str]:
    blocks, paragraph = _Blocks(), list[str]()
    for line in _NEWLINE.split(text):
        for prose in blocks.read(line.expandtabs(4).rstrip()):
            if prose:
                paragraph.append(prose)
            elif paragraph:
                yield "\n".join(paragraph)
                paragraph.clear()
    yield "\n".join(paragraph)


@dataclass(slots=True)
class _Blocks:
    """The blocks that the next line of a Markdown text may belong to."""

    items: list[int] = field(default_factory=list)  # where the text of each open list item begins
    fence: str = ""
    comment: bool = False
    code: bool = False
    after_blank: bool = True

    def read(self, line: str) -> tuple[str, ...]:
        """The prose of a line, without indentation; an empty one is the end of a paragraph."""
        if self.comment:
            return self._comment(line)
        content = line.lstrip(" ")
        if not content:
            self.after_blank = True
            return ("",)
        indent = len(line) - len(content)
        if self.fence and not (self.items and indent < self.items[-1]):
            return self._fenced(content)
        self.fence = ""
        depth = self._depth(indent, content)
        # Indented code does not interrupt a paragraph.
        self.code = depth >= INDENTED_CODE and (self.after_blank or self.code)
        self.after_blank = False
        if depth >= INDENTED_CODE:
            return ("",) if self.code else (content,)
        return self._open(indent, content)

    def _comment(self, text: str) -> tuple[str, ...]:
        _, end, after = text.partition(_COMMENT_END)
        self.comment = not end
        return ("", after.strip())

    def _fenced(self, content: str) -> tuple[str, ...]:
        if len(content) >= len(self.fence) and not content.strip(self.fence[0]):
            self.fence = ""
        return ()

    def _depth(self, indent: int, content: str) -> int:
        """How far a line is indented within its list item; one that only continues a paragraph ends no item."""
        if self.after_blank or not content[0].isalpha():
            while self.items and indent < self.items[-1]:
                self.items.pop()
        return indent - (self.items[-1] if self.items else 0)

    def _open(self, indent: int, content: str) -> tuple[str, ...]:
        before: tuple[str, ...] = ()
        while marker := _LIST_MARKER.match(content):
            indent += marker.end()
            self.items.append(indent)
            content = content[marker.end() :]
            before = ("",)
        if opened := _FENCE.match(content):
            self.fence = opened[1] or opened[2]
            return ("",)
        if content.startswith(_COMMENT):
            return self._comment(content[len(_COMMENT) :])
        if content.startswith(">"):
            return ("",)
        if _HEADING.match(content):
            return ("", content, "")
        return (*before, content)


def _visible(paragraph: str) -> str:
    """A paragraph without code spans, HTML comments and escaped characters."""
    if not _INLINE.search(paragraph):
        return paragraph
    closing: defaultdict[int, deque[int]] = defaultdict(deque)
    for run in _BACKTICKS.finditer(paragraph):
        closing[len(run[0])].append(run.start())
    last_comment_end = paragraph.rfind(_COMMENT_END)
    shown, begin, position = [], 0, 0
    while token := _INLINE.search(paragraph, position):
        position = end = token.end()
        if token[0][0] == "`":
            runs = closing[len(token[0])]
            while runs and runs[0] < position:
                runs.popleft()
            end = runs[0] + len(token[0]) if runs else 0
        elif token[0] == _COMMENT:
            end = paragraph.index(_COMMENT_END, position) + len(_COMMENT_END) if last_comment_end >= position else 0
        if end:
            shown += [paragraph[begin : token.start()], _OPAQUE]
            begin = position = end
    return "".join([*shown, paragraph[begin:]])
