"""A clock that is wrong, and can be set while programs go by it: libfaketime, which leaves what cannot be set alone."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

NAME = "libfaketime.so.1"


@dataclass(frozen=True)
class WrongClock:
    """The clock of the processes that are started with these ``settings``, or after these ``words``."""

    library: Path
    file: Path

    @property
    def settings(self) -> dict[str, str]:
        """What makes a program go by it. https://github.com/wolfcw/libfaketime"""
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    @property
    def words(self) -> list[str]:
        """Before a command that is to go by it."""
        return ["env", *(f"{name}={value}" for name, value in self.settings.items())]

    def jump(self, off: timedelta) -> None:
        """Be off by so much from now on."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{off.total_seconds():+.0f}\n")
        new.chmod(0o644)
        new.replace(self.file)


def clock(folder: Path, off: timedelta = timedelta()) -> WrongClock:
    """One whose file is in a folder; the test is skipped where libfaketime is missing."""
    library = next(Path("/usr/lib").glob(f"*/faketime/{NAME}"), None)
    if library is None:
        pytest.skip(f"{NAME} is missing: `apt-get install faketime`")
    made = WrongClock(library, folder / "clock")
    made.jump(off)
    return made
