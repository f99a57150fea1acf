"""What a unit of systemd confines a program to, without systemd: its mounts, its user, and its filter of system calls.

``python -m tests.packaging.confined UNIT WORD...`` is the last step, which sets the filter and becomes the program.
Three things are not as systemd has them. The program may read what it likes, for its Python may be in somebody's home;
it keeps the namespace of users; and /tmp is as the rest, with a folder of its own for what is temporary.
"""

import ctypes
import errno
import os
import re
import shutil
import socket
import subprocess
import sys
from ctypes import c_int, c_uint, c_uint32, c_uint64, c_void_p
from functools import cache
from pathlib import Path

ALLOW, FAIL = 0x7FFF0000, 0x00050000  # seccomp.h: SCMP_ACT_ALLOW, SCMP_ACT_ERRNO
EQUAL, MASKED_EQUAL = 4, 7
WRITE, EXECUTE = 2, 4  # mman.h
FAMILIES = range(46)  # socket.h: AF_MAX

MOUNTS = r"""
mount --make-rprivate /
mount --bind "$1" "$1"
mount --bind "$2" "$2"
while read -r _ _ _ _ place _; do
  case $place in
    "$1" | "$2" | /dev | /dev/* | /proc | /proc/* | /sys/*) ;;
    *) mount -o remount,bind,ro "$place" 2> /dev/null || true ;;
  esac
done < /proc/self/mountinfo
mount -t proc -o nosuid,nodev,noexec,hidepid=2,subset=pid proc /proc
shift 2
exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs \
  --bounding-set=-all,+dac_read_search --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search "$@"
"""


def settings(unit: Path) -> dict[str, list[str]]:
    """What a unit sets, each name with all its values."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def command(unit: Path, state: Path, temporary: Path) -> list[str]:
    """The words before a program that confine it; it may write into these two folders, which nobody else may."""
    mounts = ["unshare", "--mount", "sh", "-ec", MOUNTS, "sh", state, temporary]
    filtered = ["env", f"TMPDIR={temporary}", sys.executable, "-m", "tests.packaging.confined", unit]
    return [str(word) for word in (*mounts, *filtered)]


def possible() -> bool:
    """Whether a program can be given mounts of its own here."""
    unshare = shutil.which("unshare")
    return unshare is not None and subprocess.run([unshare, "--mount", "true"], capture_output=True).returncode == 0


@cache
def _sets() -> dict[str, list[str]]:
    """systemd's sets of system calls, and what is in each."""
    printed = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True)
    found: dict[str, list[str]] = {}
    for line in printed.stdout.splitlines():
        if line.startswith("@"):
            members = found[line] = []
        elif (word := line.strip()) and not word.startswith("#"):
            members.append(word)
    return found


def _calls(words: list[str]) -> set[str]:
    return {call for word in words for call in (_calls(_sets()[word]) if word.startswith("@") else {word})}


def allowed(filters: list[str]) -> set[str]:
    """The system calls that these values of SystemCallFilter leave, one after another."""
    left: set[str] = set()
    for value in filters:
        calls = _calls(value.removeprefix("~").split())
        left = left - calls if value.startswith("~") else left | calls
    return left


class _Argument(ctypes.Structure):
    _fields_ = (("place", c_uint), ("how", c_int), ("first", c_uint64), ("second", c_uint64))


class _Filter:
    """A filter of system calls, which holds from `load` on."""

    def __init__(self, otherwise: int) -> None:
        self._library = ctypes.CDLL("libseccomp.so.2")
        self._library.seccomp_init.restype = c_void_p
        self._context = c_void_p(self._library.seccomp_init(c_uint32(otherwise)))

    def add(self, action: int, name: str, *arguments: _Argument) -> None:
        call = self._library.seccomp_syscall_resolve_name(name.encode())
        given = (_Argument * len(arguments))(*arguments)
        failed = self._library.seccomp_rule_add_array(self._context, c_uint32(action), call, len(arguments), given)
        assert call < 0 or not failed, name  # one below 0 is of another architecture

    def load(self) -> None:
        assert not self._library.seccomp_load(self._context)


def _confine(unit: Path) -> None:
    told = settings(unit)
    calls = allowed(told["SystemCallFilter"])

    details = _Filter(ALLOW)
    (families,) = told["RestrictAddressFamilies"]
    for family in {*FAMILIES} - {getattr(socket, name) for name in families.split()}:
        details.add(FAIL | errno.EAFNOSUPPORT, "socket", _Argument(0, EQUAL, family))
    if told["MemoryDenyWriteExecute"] == ["yes"]:
        both = WRITE | EXECUTE
        details.add(FAIL | errno.EPERM, "mmap", _Argument(2, MASKED_EQUAL, both, both))
        details.add(FAIL | errno.EPERM, "mprotect", _Argument(2, MASKED_EQUAL, EXECUTE, EXECUTE))
    few = _Filter(FAIL | errno.EPERM)
    for name in calls | {"seccomp"}:
        few.add(ALLOW, name)
    details.load()
    few.load()


if __name__ == "__main__":
    _confine(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 (no shell is wanted)
