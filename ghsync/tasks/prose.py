"""Markdown as prose: what a text says, without what it shows as code, quote or comment. Pure, and linear.

Of CommonMark this knows what it takes to tell these from prose: fences, indentation, list items, quotes, code spans,
backslashes, HTML comments and links. A link says what its target says, whatever its words are; an image says nothing.
https://spec.commonmark.org/0.31.2/
"""

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

OPAQUE = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands in the place of what says nothing: neither a word nor a space."""

INDENTED_CODE = 4  # spaces
LONGEST_LABEL = 999

_NEWLINE = re.compile(r"\r\n?|\n")
_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
_LIST_MARKER = re.compile(r"(?:[-+*]|[0-9]{1,9}[.)])(?: +|$)")
_HEADING = re.compile("#{1,6}(?: |$)")
_COMMENT, _COMMENT_END = "<!--", "-->"
_BACKTICKS = re.compile("`+")
_VALUE = r"""(?:"([^"<>]*+)"|'([^'<>]*+)'|([^\s"'<>`=]++))"""
_ANCHOR = re.compile(rf"<a(?:(?!\shref\s*+=)[^<>])*+(?:\shref\s*+=\s*+{_VALUE}[^<>]*+)?>", re.IGNORECASE)
_INLINE = re.compile(
    rf"(?P<escaped>\\[!-/:-@\[-`{{-~])|(?P<code>`+)|(?P<comment>{_COMMENT})"
    r"|(?P<begins><a(?=\s))|(?P<ends></a\s*+>)|(?P<opens>!?\[)|(?P<closes>\])",
    re.IGNORECASE,
)
# What follows the words of a link: its target, in parentheses or under a label.
_TARGET = re.compile(
    r"\(\s*+(?:<([^<>\n]*+)>|((?:[^\s()<>]++|\([^\s()<>]*+\))*+))(?:\s++(?:\"[^\"]*+\"|'[^']*+'|\([^()]*+\)))?\s*+\)"
)
_LABEL = re.compile(r"\[([^\[\]]*+)\]")
_DEFINITION = re.compile(r"\[([^\[\]]++)\]:\s*+<?([^\s<>]++)>?(?:\s++[\"'(].*)?")


def paragraphs(text: str, speaks: Callable[[str], bool]) -> list[str]:
    """The paragraphs of a text for which ``speaks`` holds, with only what speaks in them."""
    found = list(_paragraphs(text))
    defined: dict[str, str] = {}
    if "]:" in text:
        found = [_undefined(paragraph, defined) for paragraph in found]
    may_speak = (one for one in found if speaks(one) or (defined and "[" in one))
    return [visible(paragraph, defined) for paragraph in may_speak]


def _undefined(paragraph: str, defined: dict[str, str]) -> str:
    """A paragraph without the targets of links that it begins with; these go into ``defined``, the first of a label."""
    lines = paragraph.split("\n")
    count = 0
    while count < len(lines) and (definition := _DEFINITION.fullmatch(lines[count])):
        defined.setdefault(_label(definition[1]), definition[2])
        count += 1
    return "\n".join(lines[count:])


def _label(words: str) -> str:
    return " ".join(words.casefold().split())


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


@dataclass(slots=True)
class _Inline:
    """A paragraph as far as it was read: what it says, and what is still open."""

    text: str
    defined: Mapping[str, str]
    ticks: defaultdict[int, deque[int]]  # where runs of so many backticks begin
    last_comment_end: int
    shown: list[str] = field(default_factory=list)
    begin: int = 0  # of what was not shown yet
    brackets: list[tuple[int, str, int]] = field(default_factory=list)  # index into `shown`, which one, where it ends
    around_link: int = 0  # so many of them, from the outermost, are around a link: links hold no links
    anchor: int | None = None  # index into `shown` of the words of an open <a>

    def read(self, token: re.Match[str]) -> int:
        """Read on; answers where to look for the next token."""
        match token.lastgroup:
            case "escaped":
                return self._show(token, OPAQUE, token.end())
            case "code":
                return self._code(token)
            case "comment":
                return self._comment(token)
            case "begins":
                return self._begin(token)
            case "ends":
                return self._end(token)
            case "opens":
                self._show(token, token[0], token.end())
                self.brackets.append((len(self.shown) - 1, token[0], token.end()))
                return token.end()
        return self._link(token)

    def _show(self, token: re.Match[str], instead: str, end: int) -> int:
        """Show the text up to the token, and something else instead of what ends with ``end``."""
        self.shown += [self.text[self.begin : token.start()], instead]
        self.begin = end
        return end

    def _code(self, token: re.Match[str]) -> int:
        runs = self.ticks[len(token[0])]
        while runs and runs[0] < token.end():
            runs.popleft()
        return self._show(token, OPAQUE, runs[0] + len(token[0])) if runs else token.end()

    def _comment(self, token: re.Match[str]) -> int:
        if self.last_comment_end < token.end():
            return token.end()
        return self._show(token, OPAQUE, self.text.index(_COMMENT_END, token.end()) + len(_COMMENT_END))

    def _link(self, token: re.Match[str]) -> int:
        """A bracket that closes: the words before it give way to the target that follows, if one does."""
        if not self.brackets:
            return token.end()
        index, bracket, words = self.brackets.pop()
        holds_link = len(self.brackets) < self.around_link
        self.around_link = min(self.around_link, len(self.brackets))
        target, end = self._target(words, token)
        if target is None or (holds_link and bracket == "["):
            return token.end()
        self._show(token, "", end)
        del self.shown[index:]
        self.shown.append(_said(target) if bracket == "[" else OPAQUE)
        if bracket == "[":
            self.around_link = len(self.brackets)
        return end

    def _target(self, words: int, token: re.Match[str]) -> tuple[str | None, int]:
        """Where a link leads whose words begin there and end with the token, and where the link ends."""
        end = token.end()
        if inline := _TARGET.match(self.text, end):
            return inline[1] or inline[2] or "", inline.end()
        if not self.defined:
            return None, end
        label = _LABEL.match(self.text, end)
        if label and label[1]:
            return self.defined.get(_label(label[1])), label.end()
        if token.start() - words > LONGEST_LABEL or "[" in (own := self.text[words : token.start()]):
            return None, end
        return self.defined.get(_label(own)), label.end() if label else end

    def _begin(self, token: re.Match[str]) -> int:
        """The tag that begins a link, of which the target is shown."""
        found = _ANCHOR.match(self.text, token.start())
        if not found:
            return token.end()
        self._show(token, _said(found[1] or found[2] or found[3] or ""), found.end())
        self.anchor = len(self.shown)
        self.brackets.clear()
        return found.end()

    def _end(self, token: re.Match[str]) -> int:
        """The tag that ends a link, of which the words are not shown."""
        if self.anchor is not None:
            self._show(token, "", token.end())
            del self.shown[self.anchor :]
            self.anchor = None
            self.brackets.clear()
        return token.end()


def _said(target: str) -> str:
    """What a link says: a URL itself; a place on this page or on another path names no thing."""
    return f"{target}{OPAQUE}" if target[:8].lower().startswith(("http://", "https://")) else OPAQUE


def visible(paragraph: str, defined: Mapping[str, str]) -> str:
    """A paragraph without code spans, HTML comments and escaped characters, and with targets for links.

    ``defined`` are targets by labels.
    """
    if not _INLINE.search(paragraph):
        return paragraph
    ticks: defaultdict[int, deque[int]] = defaultdict(deque)
    for run in _BACKTICKS.finditer(paragraph):
        ticks[len(run[0])].append(run.start())
    inline, position = _Inline(paragraph, defined, ticks, paragraph.rfind(_COMMENT_END)), 0
    while token := _INLINE.search(paragraph, position):
        position = inline.read(token)
    return "".join([*inline.shown, paragraph[inline.begin :]])
