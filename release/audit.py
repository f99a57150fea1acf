"""Is anything known against what ghsync needs at run time? ``python -m release.audit`` asks pip-audit.

Advisories that pyproject.toml accepts do not count, and arguments are passed on. Where the service that has them is out
of reach, or does not know a version, that is said, and is no failure.
"""

import json
import re
import subprocess
import sys
import tempfile
from typing import Any

from release import dependencies
from release.dependencies import Dependency

UNREACHABLE = re.compile(
    r"^(?:requests\.exceptions|pip_audit\._service\.interface)\.\w+|Could not connect", re.MULTILINE
)
PATIENCE_SECONDS = 5


def asked(found: list[Dependency], arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """What pip-audit says of these versions, as JSON."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pins:
        pins.write("".join(f"{each.name}=={each.version}\n" for each in found))
        pins.flush()
        accepted = [f"--ignore-vuln={each}" for each in dependencies.judged("accepted-advisories")]
        options = ["--requirement", pins.name, "--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off"]
        words = [sys.executable, "-m", "pip_audit", *options, f"--timeout={PATIENCE_SECONDS}", *accepted, *arguments]
        return subprocess.run(words, capture_output=True, text=True, check=False)


def known(report: dict[str, Any]) -> list[str]:
    """A sentence for each advisory."""
    return [
        f"{each['name']} {each['version']} has {one['id']}, mended in {', '.join(one['fix_versions']) or 'no version'}."
        for each in report["dependencies"]
        for one in each.get("vulns", ())
    ]


def unasked(report: dict[str, Any]) -> list[str]:
    """What the service knows nothing of."""
    return [each["name"] for each in report["dependencies"] if "skip_reason" in each]


def main(arguments: list[str]) -> int:
    """Ask, and tell; answers the exit status."""
    answer = asked(dependencies.of(dependencies.requirements()), arguments)
    if not answer.stdout:
        if why := UNREACHABLE.search(answer.stderr):
            print(f"Skipped: the service that has the advisories is out of reach ({why[0]}).")
            return 0
        print(answer.stderr, file=sys.stderr)
        return answer.returncode or 1
    report = json.loads(answer.stdout)
    if missing := unasked(report):
        total = len(report["dependencies"])
        print(f"Skipped {len(missing)} of {total}: the service that has the advisories does not know them.")
    for sentence in known(report):
        print(sentence, file=sys.stderr)
    return answer.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
