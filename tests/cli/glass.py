"""A terminal's glass: what can be read on it after a program wrote to it."""

import re

# Of what terminals obey, what Rich writes: https://www.ecma-international.org/publications-and-standards/standards/ecma-48/
_PIECE = re.compile(
    r"\x1b\[(?P<given>[?0-9;]*)(?P<does>[A-Za-z])|(?P<control>[\r\n])|(?P<text>[^\x1b\r\n]+)|.", re.DOTALL
)


class Glass:
    """So many columns and lines; what leaves at the top is kept above."""

    def __init__(self, columns: int, lines: int) -> None:
        self._columns = columns
        self._lines = [""] * lines
        self._row = self._column = 0
        self.above: list[str] = []

    @property
    def text(self) -> str:
        """What can be read now."""
        return "\n".join(line.rstrip() for line in self._lines).rstrip()

    @property
    def everything(self) -> str:
        """The same with what has left at the top."""
        return "\n".join([*self.above, *self._lines])

    def write(self, said: str) -> None:
        """Show what a program writes."""
        for piece in _PIECE.finditer(said):
            if piece["does"]:
                self._obey(piece["does"], piece["given"])
            elif piece["control"] == "\r":
                self._column = 0
            elif piece["control"] == "\n":
                self._feed()
            elif piece["text"]:
                for character in piece["text"]:
                    self._put(character)

    def _obey(self, does: str, given: str) -> None:
        if does == "A":
            self._row = max(self._row - int(given or 1), 0)
        elif does == "K":
            self._lines[self._row] = ""

    def _put(self, character: str) -> None:
        if self._column == self._columns:
            self._column = 0
            self._feed()
        line = self._lines[self._row].ljust(self._columns)
        self._lines[self._row] = line[: self._column] + character + line[self._column + 1 :]
        self._column += 1

    def _feed(self) -> None:
        self._row += 1
        if self._row == len(self._lines):
            self._row -= 1
            self.above.append(self._lines.pop(0))
            self._lines.append("")
