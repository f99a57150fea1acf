"""What texts and branches name: GitHub's grammar, and ours for tasks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghsync.tasks import keywords
from ghsync.tasks.keywords import Mention

TASK = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
LARGE = 128 * 1024  # twice what GitHub takes


def short(mention: Mention) -> str:
    """A mention in a word or two."""
    target = f"{mention.target_name or ''}#{mention.target_number}" if mention.target_number else ""
    return f"{mention.source} {mention.task or target}"


def named(body: str = "", *, title: str = "", branch: str | None = None) -> list[str]:
    """What a pull request names, in short."""
    return [short(mention) for mention in keywords.mentions(title, body, branch)]


@pytest.mark.parametrize(
    "body",
    [
        "close #5",
        "closes #5",
        "closed #5",
        "fix #5",
        "fixes #5",
        "fixed #5",
        "resolve #5",
        "resolves #5",
        "resolved #5",
        "CLOSES #5",
        "Fixes: #5",
        "Fixes:#5",
        "Resolves:   #5",
        "closes\t#5",
        "closes GH-5",
        "closes gh-5",
        "This (closes #5) at last",
        "This closes #5.",
        "closes #5, and more",
        "**closes #5**",
        "_closes #5_",
        "- [x] closes #5",
        "* closes #5",
        "1. closes #5",
        "## Closes #5",
        "| closes #5 | done |",
        "first line\ncloses #5\r\nlast line",
        "- a list\n\n    closes #5",
        "a paragraph\n    closes #5",
        "- item\n  - nested\n    closes #5",
        "`code` closes #5",
        "```\ncode\n```\ncloses #5",
        "~~~\n```\n~~~\ncloses #5",
        "````\n```\n````\ncloses #5",
        "- ```\n  code\n\ncloses #5",
        "<!-- comment --> closes #5",
        "<!--\ncomment\n-->\ncloses #5",
        "> quote\n\ncloses #5",
        "`unclosed closes #5",
        "<!- closes #5 -->",
        r"\\closes #5",
        r"\`closes #5\`",
        "closes\N{NO-BREAK SPACE}#5",
    ],
)
def test_a_keyword_before_a_reference_closes(body: str) -> None:
    assert named(body) == ["closing_keyword #5"]


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ("closes acme/app#5", "acme/app#5"),
        ("closes Acme/App.js#5", "Acme/App.js#5"),
        ("closes a-b/c_d#5", "a-b/c_d#5"),
        ("fixes https://github.com/acme/app/issues/5", "acme/app#5"),
        ("fixes https://www.github.com/acme/app/issues/5", "acme/app#5"),
        ("fixes HTTPS://GitHub.com:443/acme/app/issues/5", "acme/app#5"),
        ("fixes <https://github.com/acme/app/issues/5>", "acme/app#5"),
        ("closes [#5](https://github.com/acme/app/issues/5)", "acme/app#5"),
        ("closes [the crash](<https://github.com/acme/app/issues/5> 'It crashes')", "acme/app#5"),
        ("closes [it][crash]\n\n[crash]: https://github.com/acme/app/issues/5", "acme/app#5"),
        ("closes <a class='x' href=\"https://github.com/acme/app/issues/5\">it</a>", "acme/app#5"),
        ("fixes https://github.com/acme/app/issues/5.", "acme/app#5"),
        ("fixes #2147483647", "#2147483647"),
    ],
)
def test_a_closing_reference_may_name_its_repository(body: str, target: str) -> None:
    assert named(body) == [f"closing_keyword {target}"]


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ("#5", "#5"),
        ("see #5", "#5"),
        ("GH-5", "#5"),
        ("acme/app#5", "acme/app#5"),
        ("https://github.com/acme/app/issues/5", "acme/app#5"),
        ("https://github.com/acme/app/pull/5", "acme/app#5"),
        ("closes https://github.com/acme/app/pull/5", "acme/app#5"),
        ("closes https://github.com/acme/app/issues/5#issuecomment-1", "acme/app#5"),
        ("closes https://github.com/acme/app/issues/5?x=1", "acme/app#5"),
        ("https://github.com/acme/app/pull/5/files", "acme/app#5"),
        ("prefixes #5", "#5"),
        ("unresolved #5", "#5"),
        ("préfixes #5", "#5"),
        ("hot-fixes #5", "#5"),
        ("fixes issue #5", "#5"),
        ("fixes, #5", "#5"),
        ("fixes : #5", "#5"),
        ("fixes\n#5", "#5"),
        ("closing #5", "#5"),
        ("fixing #5", "#5"),
        ("closes `this` #5", "#5"),
        ("closes <!-- this --> #5", "#5"),
        ("[#6](https://github.com/acme/app/issues/5)", "acme/app#5"),
        ("closes [#6](https://github.com/acme/app/issues/5#issuecomment-1)", "acme/app#5"),
        ("fixes https://redirect.github.com/acme/app/issues/5", "acme/app#5"),
        ("[a [b](https://github.com/acme/app/issues/5) #6](https://example.com)", "acme/app#5 #6"),
        ("#5] and [x", "#5"),
        ("[#5][unknown] [#5] [#5]()x", "#5"),
    ],
)
def test_a_reference_without_its_own_keyword_is_a_cross_reference(body: str, target: str) -> None:
    assert named(body) == [f"cross_reference {one}" for one in target.split()]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "closes",
        "closes #",
        "closes #0",
        "closes #05",
        "closes #2147483648",
        "closes #99999999999999999999",
        "closes #5th",
        "closes ##5",
        "closes x#5",
        "closes &#5;",
        "closes /#5",
        "closes GH5",
        "closes a/b/c#5",
        "closes .net/app#5",
        "me@acme/app#5",
        "https://example.com/acme/app#5",
        "fixes https://gitlab.example.com/acme/app/issues/5",
        "fixes https://github.com.example.com/acme/app/issues/5",
        "fixes https://github.com@example.com/acme/app/issues/5",
        "fixes https://github.com:8443/acme/app/issues/5",
        "fixes https://archive.example.com/https://github.com/acme/app/issues/5",
        "see https://example.com/?issue=#5&other=acme/app#5",
        "closes [#5](there)",
        "closes [#5](#top)",
        "closes [#5](https://example.com/(5) (closes #5))",
        "closes [`a` #5][lib]\n\n[LIB]: https://example.com/acme/app/issues/5 'closes #5'",
        "closes [#5]\n\n[#5]: https://example.com/5",
        "closes [#5][]\n\n[#5]: https://example.com/5",
        "closes ![#5](https://github.com/acme/app/issues/5)",
        "closes <a href='https://example.com'>#5</a>",
        "closes <a title='x' HREF = https://example.com >acme/app#5</A >",
        "closes <a name=x>#5</a>",
        "https://github.com/acme/app/issues/new",
        "https://github.com/acme/app/discussions/5",
        r"closes \#5",
        r"\#5",
        "`closes #5`",
        "``closes `#5``",
        "`closes\n#5`",
        "```\ncloses #5\n```",
        "```\ncloses #5",
        "```text\ncloses #5\n\ncloses #6\n```",
        "~~~\ncloses #5\n~~~",
        "````\n```\ncloses #5\n````",
        "- item\n  ```\n  closes #5\n  ```",
        "    closes #5",
        "\tcloses #5",
        "text\n\n    closes #5\n\n    closes #6",
        "- item\n\n      closes #5",
        "> closes #5",
        ">closes #5",
        "   > closes #5",
        "- > closes #5",
        "<!-- closes #5 -->",
        "<!--\n\ncloses #5\n-->",
        "<!-- closes #5",
        "text <!-- closes #5 --> text",
        "Task-ID: soon",
        f"See Task-ID: {TASK}",
        f"Task-ID: {TASK} and more",
        f"Task-ID: {TASK}0",
        f"Task ID: {TASK}",
        f"> Task-ID: {TASK}",
        f"```\nTask-ID: {TASK}\n```",
        f"<!-- Task-ID: {TASK} -->",
    ],
)
def test_what_only_looks_like_a_reference_names_nothing(body: str) -> None:
    assert named(body) == []


@pytest.mark.parametrize(
    ("page", "url", "source"),
    [
        ("https://ghes.example.com/acme/app/pull/7", "https://ghes.example.com/acme/app/issues/5", "closing_keyword"),
        ("http://127.0.0.1:8080/acme/app/pull/7", "http://127.0.0.1:8080/acme/app/issues/5", "closing_keyword"),
        ("https://www.github.com/acme/app/pull/7", "https://github.com/acme/app/issues/5", "closing_keyword"),
        (None, "https://github.com/acme/app/issues/5", "closing_keyword"),
        ("https://ghes.example.com/acme/app/pull/7", "https://github.com/acme/app/issues/5", None),
        ("https://ghes.example.com/acme/app/pull/7", "https://redirect.github.com/acme/app/issues/5", None),
        ("http://127.0.0.1:8080/acme/app/pull/7", "http://127.0.0.1:8081/acme/app/issues/5", None),
    ],
)
def test_a_url_names_something_on_the_host_of_its_own_page_alone(
    page: str | None, url: str, source: str | None
) -> None:
    found = keywords.mentions("", f"Fixes {url}", None, keywords.host(page))
    assert [mention.source for mention in found] == [source] * (source is not None)


def test_each_reference_needs_a_keyword_of_its_own() -> None:
    assert named("closes #1, #2 and fixes #3") == ["closing_keyword #1", "closing_keyword #3", "cross_reference #2"]


def test_one_keyword_does_not_reach_over_another_reference() -> None:
    assert named("closes acme/app#1 GH-2") == ["closing_keyword acme/app#1", "cross_reference #2"]


def test_a_thing_named_twice_is_one_mention() -> None:
    assert named("closes Acme/App#1, fixes acme/app#1, closes #1, closes #1") == [
        "closing_keyword Acme/App#1",
        "closing_keyword #1",
    ]


def test_a_title_closes_nothing() -> None:
    assert named(title="Fix #5 (`#6`)") == ["cross_reference #5"]


@pytest.mark.parametrize(
    "body",
    [
        f"Task-ID: {TASK}",
        f"task-id:{TASK}",
        f"TASK-ID:   {TASK.upper()}   ",
        f"text\r\nTask-ID: {TASK}\r\ntext",
        f"- Task-ID: {TASK}",
        f"   Task-ID: {TASK}",
    ],
)
def test_a_trailer_on_a_line_of_its_own_names_a_task(body: str) -> None:
    assert named(body) == [f"task_trailer {TASK}"]
    assert [short(mention) for mention in keywords.trailers(body)] == [f"task_trailer {TASK}"]


def test_an_issue_is_read_for_trailers_alone() -> None:
    body = f"Closes #5\n\nTask-ID: {TASK}\nTask-ID: {OTHER}\n"
    assert [mention.task for mention in keywords.trailers(body)] == [TASK, OTHER]


def test_a_text_that_is_missing_names_nothing() -> None:
    assert keywords.mentions(None, None, None) == []
    assert keywords.trailers(None) == []


@pytest.mark.parametrize(
    ("branch", "task"),
    [
        (f"task/{TASK}", TASK),
        (f"task/{TASK.upper()}", TASK),
        (f"task/{TASK}-retry-twice", TASK),
        (f"task/{TASK}/retry", TASK),
        ("task/0f8fad5b", "0f8fad5b"),
        ("task/0F8FAD5B", "0f8fad5b"),
        ("task/0f8fad5b-retry", "0f8fad5b"),
        ("task/0f8fad5b/retry", "0f8fad5b"),
    ],
)
def test_a_branch_names_a_task(branch: str, task: str) -> None:
    assert keywords.mentions("", "", branch) == [Mention("branch", task, None, None, branch)]


@pytest.mark.parametrize(
    "branch",
    [
        "",
        "main",
        "task/",
        "task/retry",
        "task/0f8fad5",
        "task/0f8fad5bc",
        "task/0f8fad5b_retry",
        f"task/{TASK.replace('-', '')}",
        f"user/task/{TASK}",
        "mytask/0f8fad5b",
        "Task/0f8fad5b",
    ],
)
def test_another_branch_names_none(branch: str) -> None:
    assert keywords.mentions("", "", branch) == []


def test_the_evidence_is_the_words() -> None:
    body = f"This Closes: #5 and see acme/app#6.\nTask-ID: {TASK.upper()}"
    assert [mention.evidence for mention in keywords.mentions("", body, f"task/{OTHER}-x")] == [
        f"Task-ID: {TASK.upper()}",
        f"task/{OTHER}-x",
        "Closes: #5",
        "acme/app#6",
    ]


def test_of_too_many_mentions_the_surest_stay() -> None:
    body = " ".join(f"#{number}" for number in range(1, 1000)) + f" closes #1000\n\nTask-ID: {TASK}"
    found = named(body)
    assert len(found) == keywords.LIMIT
    assert found[:3] == [f"task_trailer {TASK}", "closing_keyword #1000", "cross_reference #1"]


# Nothing is timed here. What is not linear would take minutes or hours with these.
@pytest.mark.parametrize(
    "hostile",
    [
        "` `` ",
        "\\`",
        "<!-- ",
        "<!-- a --> #1",
        "- ",
        "> ",
        "```\n",
        "~~~ #1\n",
        " ",
        "\n",
        "\r",
        "\t",
        "closes ",
        "closes:    ",
        "closes #",
        "#1",
        "x#1 ",
        "a",
        "a/",
        "a-",
        "1",
        "gh-",
        "https://",
        "https://a.",
        "https://a/b/c/issues/",
        "task-id: ",
        f"task-id: {TASK}",
        "task/",
        "0",
        "[",
        "![",
        "]",
        "![ [a](b) ",
        "[a](b ",
        "[a](b (",
        '[a](b "',
        "[a](b '",
        "[a](b(c",
        "[a][",
        "[#1]: x\n",
        "[#1]: x\n\n[#1] ",
        "<a ",
        "<a href=",
        "<a href=\" href=' ",
        "<a href=x>",
        "</a>",
        "<a href=x>#1</a",
    ],
)
def test_no_text_takes_more_than_linear_time(hostile: str) -> None:
    text = f"task-id: #1 {(hostile * LARGE)[:LARGE]} closes #1"
    assert len(keywords.mentions(text, text, f"task/{text}")) <= keywords.LIMIT


def test_backticks_that_never_close_take_linear_time() -> None:
    text = " ".join("`" * length for length in range(1, 720))
    assert named(f"{text} closes #5") == ["closing_keyword #5"]


def test_brackets_that_close_around_each_other_take_linear_time() -> None:
    text = f"[a]: b\n\n{'[' * LARGE}#5{']' * LARGE}"
    assert named(text) == ["cross_reference #5"]


PIECES = [
    "closes", "Fixes:", "see", " ", "  ", "    ", "\t", "\n", "\n\n", "#5", "GH-6", "acme/app#7", "\\", "`", "``",
    "```", "~~~", "> ", "- ", "1. ", "## ", "<!--", "-->", "https://github.com/acme/app/issues/8",
    f"Task-ID: {TASK}", "é", "\0", "[", "![", "]", "](", "(", ")", "[a]: https://github.com/acme/app/issues/9", "][a]",
    "<a href=", "<a href='https://example.com'>", "</a>",
]  # fmt: skip
MARKDOWN = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=30).map("".join)


@pytest.mark.slow
@settings(deadline=None)
@given(MARKDOWN, MARKDOWN, st.one_of(st.none(), st.text(), st.from_regex(r"\Atask/[0-9a-f]{8}[-/]?")))
def test_any_text_is_read(title: str, body: str, branch: str | None) -> None:
    found = keywords.mentions(title, body, branch)
    assert len({(m.source, m.task, (m.target_name or "").lower(), m.target_number) for m in found}) == len(found)
    assert all((m.task is None) != (m.target_number is None) for m in found)
    assert all(m.source in keywords.SOURCES for m in found)
    assert all(0 < (m.target_number or 1) <= keywords.LARGEST_NUMBER for m in found)


@settings(deadline=None)
@given(MARKDOWN)
def test_the_evidence_alone_says_the_same(body: str) -> None:
    found = keywords.mentions("", body, None)
    again = keywords.mentions("", "\n\n".join(mention.evidence for mention in found), None)
    assert again == found


@settings(deadline=None)
@given(MARKDOWN)
def test_what_is_fenced_says_nothing(body: str) -> None:
    fenced = f"~~~~~~~~~~\n{body.replace('~~~~~~~~~~', '')}\n~~~~~~~~~~"
    assert keywords.mentions("", fenced, None) == []


@settings(deadline=None)
@given(MARKDOWN)
def test_what_issues_say_pull_requests_say_too(body: str) -> None:
    trailers = keywords.trailers(body)
    assert [m for m in keywords.mentions("", body, None) if m.source == "task_trailer"] == trailers
