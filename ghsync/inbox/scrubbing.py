"""Scrubs payloads: what names a person or quotes one becomes a pseudonym of the same shape.

Replaced, letter by letter and digit by digit, so that length, case and punctuation stay: logins wherever they occur,
in addresses and full names too; names of people, email addresses, titles, bodies, messages, descriptions, code, paths,
names of branches and teams; tokens and whatever a field called token, secret, password or key holds; any other text
with a space in it. One word has one pseudonym under one key, in every payload.

Kept, because the mirror works with it: ids, node ids, hashes, times, numbers and states; names of repositories,
labels and checks; the default branch and its usual names; in texts closing keywords, `#N`, `GH-N`, addresses of
issues and `owner/name#N` but for the owner, and `Task-ID:` trailers; branches `task/<id>`; logins of bots that
everybody has.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

KEY = secrets.token_bytes(32)

TEXTS = frozenset({
    "added", "bio", "blog", "body", "body_html", "body_text", "commit_message", "commit_title", "company", "content",
    "description", "diff_hunk", "display_title", "filename", "homepage", "location", "message", "modified", "note",
    "patch", "path", "removed", "summary", "text", "title", "twitter_username",
})  # fmt: skip
LOGINS = frozenset({"login", "username", "account_login"})
BRANCHES = frozenset({"ref", "base_ref", "head_branch", "branch", "master_branch", "old_branch", "new_branch"})
SECRETS = re.compile(r"token|secret|password|private_key|credential", re.IGNORECASE)
KEPT_BRANCHES = frozenset({"main", "master", "develop", "trunk"})
KEPT_LOGINS = frozenset({"dependabot[bot]", "github-actions[bot]", "renovate[bot]", "web-flow", "ghost"})
KEPT_NAMES = ("full_name", "name_with_owner")  # owner/name: the owner is a login, the name stays

_WORD = re.compile(r"[^\W_]+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_TOKEN = re.compile(
    r"\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|v\d\.[0-9a-f]{40}|sk-[\w-]{16,}|xox[a-z]-[\w-]{8,}|AKIA[0-9A-Z]{12,}"
    r"|eyJ[\w-]{8,}\.[\w-]+\.[\w-]+)|-----BEGIN [^-]+-----.*?(?:-----END [^-]+-----|\Z)"
    r"|(?<=token=)[^&\s\"']+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
    re.DOTALL,
)
_IN_TEXT = re.compile(
    r"""
      (?P<kept> ^Task-ID:[ \t]*[0-9a-f-]{8,36}
              | \b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b
              | \#\d+ | \bGH-\d+ )
    | (?P<before> https?://[^/\s]+/ | ) (?P<owner> [\w-]+ )
      (?P<after> / [\w.-]+ (?: /(?:issues|pull)/ | \# ) \d+ )
    | (?P<word> [^\W_]+ )
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_TASK_BRANCH = re.compile(r"task/[0-9a-f-]{8,36}", re.IGNORECASE)
_REF_PREFIX = re.compile(r"refs/(?:heads|tags|pull)/")
_NAMED_IN_URL = re.compile(r"(/(?:tree|blob|compare|heads|teams)/)([^?#]+)")
_HASHES = re.compile(r"[0-9a-f]{7,40}(?:\.{2,3}[0-9a-f]{7,40}|\^)?")


def scrub(payload: dict[str, Any], key: bytes = KEY) -> dict[str, Any]:
    """A copy of a payload with pseudonyms in it."""
    scrubbed: dict[str, Any] = _Scrubber(payload, key).value("", payload)
    return scrubbed


class _Scrubber:
    """The pseudonyms of one payload."""

    def __init__(self, payload: dict[str, Any], key: bytes) -> None:
        self._key = key
        logins = {login.removesuffix("[bot]") for login in _logins(payload) if login not in KEPT_LOGINS}
        longest_first = sorted(logins, key=len, reverse=True)
        alternatives = "|".join(re.escape(login) for login in longest_first) or r"(?!)"
        self._logins = re.compile(rf"(?<![\w-])(?:{alternatives})(?![\w-])", re.IGNORECASE)
        self._kept_branches = KEPT_BRANCHES | set(_values(payload, "default_branch"))

    def value(self, name: str, value: Any) -> Any:
        """Any JSON value; ``name`` is what it is called where it stands."""
        if isinstance(value, dict):
            return self._object(name, value)
        if isinstance(value, list):
            return [self.value(name, item) for item in value]
        return self._string(name, value) if isinstance(value, str) else value

    def _object(self, name: str, value: dict[str, Any]) -> dict[str, Any]:
        called = dict.fromkeys(value, "")
        if "email" in value or "privacy" in value:  # a person, or a team
            called |= dict.fromkeys({"name", "slug"} & value.keys(), "title")
        if set(value) == {"from"}:  # what it was before, in `changes`
            called["from"] = name
        return {key: self.value(called[key] or key, item) for key, item in value.items()}

    def _string(self, name: str, value: str) -> str:
        if SECRETS.search(name) and not value.startswith(("http://", "https://")):
            return self._words(value)
        for matches, scrubbed in self._rules():
            if matches(name, value):
                return scrubbed(value)
        return self._address(value)

    def _rules(self) -> Iterator[tuple[Callable[[str, str], bool], Callable[[str], str]]]:
        yield lambda name, value: name in LOGINS, self._login
        yield lambda name, value: name in BRANCHES, self._branch
        yield lambda name, value: name == "label" and ":" in value, self._owner_and_branch
        yield lambda name, value: name in TEXTS, self._text
        yield lambda name, value: name not in ("name", *KEPT_NAMES) and " " in value.strip(), self._text

    def _text(self, text: str) -> str:
        text = _EMAIL.sub(lambda match: self._email(match[0]), text)
        return _IN_TEXT.sub(self._in_text, _TOKEN.sub(lambda match: self._words(match[0]), text))

    def _in_text(self, match: re.Match[str]) -> str:
        if match["owner"]:
            return f"{match['before']}{self._words(match['owner'])}{match['after']}"
        return match["kept"] or self._words(match[0])

    def _address(self, value: str) -> str:
        """A URL, a full name, a state: logins and whatever else must not be seen are taken out of it."""
        value = _EMAIL.sub(lambda match: self._email(match[0]), value)
        value = _TOKEN.sub(lambda match: self._words(match[0]), value)
        value = _NAMED_IN_URL.sub(lambda match: match[1] + self._branch(match[2]), value)
        return self._logins.sub(lambda match: self._words(match[0]), value)

    def _email(self, value: str) -> str:
        return f"{self._words(value.partition('@')[0])}@example.com"

    def _login(self, value: str) -> str:
        if value in KEPT_LOGINS:
            return value
        suffix = "[bot]" if value.endswith("[bot]") else ""
        return self._words(value.removesuffix(suffix)) + suffix

    def _branch(self, value: str) -> str:
        prefix = found[0] if (found := _REF_PREFIX.match(value)) else ""
        name = value.removeprefix(prefix)
        kept = name in self._kept_branches or _TASK_BRANCH.fullmatch(name) or _HASHES.fullmatch(name) or "{" in name
        return value if kept else prefix + self._words(name)

    def _owner_and_branch(self, value: str) -> str:
        owner, _, branch = value.partition(":")
        return f"{self._login(owner)}:{self._branch(branch)}"

    def _words(self, text: str) -> str:
        return _WORD.sub(lambda match: self._word(match[0]), text)

    def _word(self, word: str) -> str:
        drawn = hashlib.shake_256(self._key + word.lower().encode()).digest(len(word))
        return "".join(map(_same_kind, word, drawn))


def _same_kind(character: str, drawn: int) -> str:
    if character.isdecimal():
        return chr(ord("0") + drawn % 10)
    return chr(ord("A" if character.isupper() else "a") + drawn % 26)


def _logins(value: Any) -> Iterator[str]:
    for name in LOGINS:
        yield from _values(value, name)
    for name in KEPT_NAMES:
        yield from (full_name.partition("/")[0] for full_name in _values(value, name))


def _values(value: Any, name: str) -> Iterator[str]:
    """Every text that is called so, anywhere."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == name and isinstance(item, str) and item:
                yield item
            else:
                yield from _values(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item, name)
