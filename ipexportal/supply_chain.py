"""What the product is made of, from requirements.lock and what is installed from it: licences, a CycloneDX bill of materials,
known vulnerabilities. For `.ci/run` and whoever ships it; needs the development packages.

Sources: CycloneDX 1.6 JSON reference; PyPA "Core metadata" (License-Expression, PEP 639); package URL specification.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK, LICENCES = "requirements.lock", "docs/licences.md"
ALLOWED = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CNRI-Python", "ISC", "LGPL-3.0-only", "MIT", "MIT-0",
        "MPL-2.0", "PSF-2.0",
    }
)  # fmt: skip
"""Of what a customer gets. What only builds and tests may be under others."""
TOLD: Mapping[str, str] = {
    "axe-playwright-python": "MIT",
    "django-ninja": "MIT",
    "fido2": "BSD-2-Clause AND Apache-2.0 AND MPL-2.0",
    "grimp": "BSD-2-Clause",
    "huey": "MIT",
    "import-linter": "BSD-2-Clause",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
    "pathspec": "MPL-2.0",
    "pip-api": "Apache-2.0",
    "pip-audit": "Apache-2.0",
    "pytest-django": "BSD-3-Clause",
    "qrcode": "BSD-3-Clause",
    "sortedcontainers": "Apache-2.0",
    "sqlparse": "BSD-3-Clause",
}
"""Read in the packages' licence files, where their metadata does not say it as an SPDX expression."""
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)")


@dataclass(frozen=True, slots=True)
class Package:
    """`shipped`: part of the product, not only of building and testing it. `hashes` are SHA-256 in hex."""

    name: str
    version: str
    hashes: tuple[str, ...]
    licence: str
    shipped: bool


def packages() -> list[Package]:
    """What the lock has and this machine installs (a few are for Windows only)."""
    shipped, found = _shipped(), []
    for name, version, hashes in _locked((settings.BASE_DIR / LOCK).read_text()):
        try:
            about = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        found.append(Package(name, version, hashes, _licence(name, about), name in shipped))
    return found


def _locked(text: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for block in re.split(r"\n(?=\S)", text):
        if match := _LOCKED.match(block):
            yield match[1], match[2], tuple(re.findall(r"sha256:([0-9a-f]{64})", block))


def _licence(name: str, about: metadata.PackageMetadata) -> str:
    """An SPDX expression, "" when nobody knows."""
    if name in TOLD:
        return TOLD[name]
    for field in ("License-Expression", "License"):
        if field in about and re.fullmatch(r"[\w.+-]+( (AND|OR) [\w.+-]+)*", about[field] or ""):
            return str(about[field])
    return "MIT" if "License :: OSI Approved :: MIT License" in (about.get_all("Classifier") or []) else ""


def _shipped() -> set[str]:
    """The dependencies of the product and theirs, with the extras that are asked for."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(one for some in project.get("optional-dependencies", {}).values() for one in some),
    ]
    waiting, seen = [Requirement(text) for text in wanted], set[tuple[str, str]]()
    while waiting:
        requirement = waiting.pop()
        for extra in ("", *requirement.extras):
            key = (canonicalize_name(requirement.name), extra)
            if key not in seen:
                seen.add(key)
                waiting += _required(*key)
    return {name for name, _extra in seen}


def _required(name: str, extra: str) -> Iterator[Requirement]:
    try:
        texts = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    for requirement in map(Requirement, texts):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


# ── what comes inside other packages ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Bundled:
    """A script for browsers that a package of ours carries. `path` is below the package's own folder."""

    name: str
    licence: str
    inside: str
    path: str
    version: str

    @property
    def file(self) -> Path:
        return Path(str(metadata.distribution(self.inside).locate_file(self.path)))

    @property
    def known_version(self) -> str:
        """As the script says it, else as we read it in its licence."""
        found = re.search(self.version, self.file.read_text(errors="replace")) if self.version else None
        return found[1] if found else ""


BUNDLED = (
    Bundled("htmx.org", "0BSD", "django-htmx", "django_htmx/static/django_htmx/htmx-2.min.js", r'version:"([\d.]+)"'),
    Bundled("htmx-ext-sse", "0BSD", "django-htmx", "django_htmx/static/django_htmx/ext/hx-sse-2.min.js", ""),
    Bundled("swagger-ui-dist", "Apache-2.0", "django-ninja", "ninja/static/ninja/swagger-ui-bundle.js", ""),
)


# ── licences ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def licences() -> str:
    """The page docs/licences.md."""
    found = packages()
    shipped = [_row(one.name, one.version, one.licence) for one in found if one.shipped]
    scripts = [_row(one.name, one.known_version or f"in {one.inside}", one.licence) for one in BUNDLED]
    tools = [_row(one.name, one.version, one.licence) for one in found if not one.shipped]
    return "\n".join(
        [
            "# Licences",
            "",
            "Made by `python manage.py supply_chain licences` from requirements.lock; a test compares it.",
            "",
            *_table("What is shipped", shipped),
            *_table("Scripts for browsers inside these packages", scripts),
            *_table("Only for building and testing", tools),
        ]
    )


def _row(name: str, version: str, licence: str) -> str:
    return f"| {name} | {version} | {licence or '?'} |"


def _table(title: str, rows: list[str]) -> list[str]:
    return [f"## {title}", "| package | version | licence |", "|---|---|---|", *rows, ""]


def forbidden() -> list[str]:
    """What is shipped under a licence that nobody has allowed."""
    return [one.name for one in packages() if one.shipped and not _is_allowed(one.licence)]


def _is_allowed(expression: str) -> bool:
    """One of the alternatives must be allowed in all its parts."""
    return any(ALLOWED.issuperset(choice.split(" AND ")) for choice in expression.split(" OR "))


# ── bill of materials ────────────────────────────────────────────────────────────────────────────────────────────────


def bill() -> str:
    """CycloneDX 1.6 JSON. The same lock makes the same text: it carries no time."""
    lock = (settings.BASE_DIR / LOCK).read_text()
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    about = {"type": "application", "name": project["name"], "version": project["version"], "bom-ref": project["name"]}
    components = [*map(_component, packages()), *map(_script, BUNDLED)]
    serial = uuid5(NAMESPACE_URL, f"{project['name']} {sha256(lock.encode()).hexdigest()}")
    told = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": about},
        "components": components,
    }
    return json.dumps(told, indent=1)


def _component(package: Package) -> dict[str, Any]:
    url = f"pkg:pypi/{package.name}@{package.version}"
    return {
        "type": "library",
        "bom-ref": url,
        "name": package.name,
        "version": package.version,
        "scope": "required" if package.shipped else "excluded",
        "purl": url,
        **_licensed(package.licence),
        "externalReferences": [
            {"type": "distribution", "url": url, "hashes": [{"alg": "SHA-256", "content": one}]}
            for one in package.hashes
        ],
    }


def _script(script: Bundled) -> dict[str, Any]:
    version = script.known_version
    url = f"pkg:npm/{script.name}" + (f"@{version}" if version else "")
    content = sha256(script.file.read_bytes()).hexdigest()
    return {
        "type": "library",
        "bom-ref": url,
        "name": script.name,
        **({"version": version} if version else {}),
        "scope": "required",
        "purl": url,
        "description": f"carried by {script.inside}",
        "hashes": [{"alg": "SHA-256", "content": content}],
        **_licensed(script.licence),
    }


def _licensed(expression: str) -> dict[str, Any]:
    return {"licenses": [{"expression": expression}]} if expression else {}


# ── vulnerabilities ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Asked:
    """`known` are "package version: id"; `unasked` are packages about which nobody could be asked."""

    known: tuple[str, ...]
    unasked: tuple[str, ...]
    of: int

    @property
    def nobody_answered(self) -> bool:
        return len(self.unasked) == self.of


def ask_for_vulnerabilities() -> Asked:
    """Asks PyPI's advisories by pip-audit, about what the lock holds; nothing is installed."""
    found = packages()
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"{one.name}=={one.version}\n" for one in found))
        file.flush()
        command = [sys.executable, "-m", "pip_audit", "-r", file.name, "--no-deps", "--disable-pip", "-f", "json"]
        done = subprocess.run([*command, "--progress-spinner", "off"], capture_output=True, text=True, check=False)  # noqa: S603  (our own words)
    return read_answer(done.stdout, [one.name for one in found])


def read_answer(text: str, names: list[str]) -> Asked:
    """pip-audit's JSON. It says nothing when its service could not be reached."""
    try:
        told = json.loads(text)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Asked((), tuple(names), len(names))
    known = [f"{one['name']} {one['version']}: {each['id']}" for one in told for each in one.get("vulns", ())]
    answered = {one["name"] for one in told if "skip_reason" not in one}
    return Asked(tuple(known), tuple(name for name in names if name not in answered), len(names))
