"""Write the software bill of materials of the released program: CycloneDX 1.6, JSON.

`python tools/sbom.py FILE` lists what `requirements.lock` pins, with hashes, licences and dependencies as far as this
environment knows them. The same commit gives the same file: times come from `SOURCE_DATE_EPOCH`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = "applivery-bot"
SCHEMA = SchemaVersion.V1_6
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)(.*)$")


def main(words: Sequence[str]) -> int:
    """Write the file that is named. Returns the exit code."""
    if len(words) != 1:
        sys.stderr.write("sbom: name the file to write\n")
        return 2
    lock = (ROOT / "requirements.lock").read_text()
    written = document(lock, _version(), int(os.environ.get("SOURCE_DATE_EPOCH", "0")))
    if problem := invalid(written):
        sys.stderr.write(f"sbom: not valid CycloneDX {SCHEMA.to_version()}: {problem}\n")
        return 1
    Path(words[0]).write_text(written)
    return 0


def invalid(written: str) -> str | None:
    """Return what CycloneDX's own JSON schema says against this document; None if nothing."""
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415 - it compiles grammars for three seconds

    problem = JsonStrictValidator(SCHEMA).validate_str(written)
    return str(problem) if problem else None


def document(lock: str, version: str, epoch: int) -> str:
    """Return the bill of materials of this lock, as JSON; `epoch` is its time in seconds since 1970."""
    program = _component(PROGRAM, version, [], ComponentType.APPLICATION)
    parts = {canonicalize_name(name): _component(name, pinned, digests) for name, pinned, digests in pins(lock)}
    bom = Bom(components=parts.values(), serial_number=uuid5(NAMESPACE_URL, f"{PROGRAM} {version} {lock}"))
    bom.metadata.component = program
    bom.metadata.timestamp = datetime.fromtimestamp(epoch, UTC)
    bom.register_dependency(program, [parts[name] for name in _required(PROGRAM) if name in parts])
    for name, part in parts.items():
        bom.register_dependency(part, [parts[other] for other in _required(name) if other in parts])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def pins(lock: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield name, version and SHA-256 hashes of each pin of a lock."""
    for block in re.split(r"\n(?=[A-Za-z0-9])", lock):
        if found := _PIN.match(block.partition("\n")[0].removesuffix("\\").strip()):
            yield found[1], found[2], hashes(block)


def hashes(block: str) -> list[str]:
    """Return the SHA-256 hashes of one pin."""
    return re.findall(r"--hash=sha256:([0-9a-f]{64})", block)


def _component(
    name: str, version: str, digests: Sequence[str], kind: ComponentType = ComponentType.LIBRARY
) -> Component:
    purl = PackageURL("pypi", name=canonicalize_name(name), version=version)
    return Component(
        name=name,
        version=version,
        type=kind,
        purl=purl,
        bom_ref=purl.to_string(),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in digests],
        licenses=[LicenseFactory().make_from_string(licence) for licence in _licences(name)],
    )


def _licences(name: str) -> list[str]:
    """Return the licence expression of an installed distribution, or its name in words."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return []
    return [licence for key in ("License-Expression", "License") if (licence := about.get(key))][:1]


def _required(name: str) -> list[str]:
    """Return the names of what an installed distribution requires, without extras."""
    try:
        required = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    wanted = [Requirement(line) for line in required]
    return sorted(
        {canonicalize_name(need.name) for need in wanted if not (need.marker and "extra" in str(need.marker))}
    )


def _version() -> str:
    [version] = re.findall(r'^__version__ = "(.+)"$', (ROOT / "bot/__init__.py").read_text(), re.MULTILINE)
    return str(version)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
