"""What a command said, and how it ended."""

import json
from typing import Any


class Result:
    """Its output, its errors and its exit code."""

    def __init__(self, exit_code: int, stdout: str, stderr: str) -> None:
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def text(self) -> str:
        """Everything that was said, in one line."""
        return " ".join((self.stdout + self.stderr).split())
