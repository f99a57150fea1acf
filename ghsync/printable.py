"""Text of strangers (titles, names, headers, errors) as it may be shown: what a terminal would obey is spelled out."""

import re

# C0 but tab and line feed, DEL, C1 with its one-byte CSI, marks that turn the direction of what follows, separators of
# lines that only some programs see, and halves of surrogate pairs, which no encoding has. ECMA-48 and
# https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def printable(text: str) -> str:
    r"""The text with every such character as its escape, `\x1b` or `\u202e`."""
    return OBEYED.sub(_escape, text)


def json_text(text: str) -> str:
    r"""A JSON text with every such character as JSON's own escape, `\u009b`: it says the same."""
    return OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
