"""What holds for the project as a whole: who may import whom, what templates may contain, what is committed."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
APPS = ("ipexportal", "crmwindow", "tenants")
TEMPLATES = sorted(  # mail programs know inline styles only
    path for app in APPS for path in (ROOT / app).rglob("*.html") if path.parent.name != "email"
)
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
SOURCES = sorted(path for app in APPS for path in (ROOT / app).rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TAG = re.compile(r"<(?P<name>[a-zA-Z][\w-]*)(?P<attributes>(?:\{%.*?%\}|\{\{.*?\}\}|[^>])*)>", re.DOTALL)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_point_one_way() -> None:
    from importlinter.cli import lint_imports

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


@pytest.mark.parametrize("template", TEMPLATES, ids=named)
def test_templates_hold_no_script_style_or_handler(template: Path) -> None:
    text = re.sub(r"\{% comment.*?endcomment %\}", "", template.read_text(), flags=re.DOTALL)
    found = []
    for tag in TAG.finditer(text):
        name, attributes = tag["name"].lower(), tag["attributes"]
        if name == "style" or (name == "script" and not re.search(r"\bsrc=|application/json", attributes)):
            found.append(tag[0])
        if re.search(r"(?:^|\s)(?:style|on\w+|hx-on[\w:-]*)\s*=", attributes) or "javascript:" in attributes:
            found.append(tag[0])
    assert found == []


@pytest.mark.parametrize("script", SCRIPTS, ids=named)
def test_scripts_never_turn_text_into_code_or_mark_up(script: Path) -> None:
    assert (
        re.findall(
            r"\beval\(|new Function|\.(?:inner|outer)HTML\s*[+]?=|insertAdjacentHTML|document\.write",
            script.read_text(),
        )
        == []
    )


def test_nothing_is_loaded_from_elsewhere() -> None:
    foreign = re.compile(r"""(?:src|href)=["']https?://|url\(["']?https?://|@import (?!url\("\.\./)""")
    pages = [*TEMPLATES, *(ROOT / "static" / "css").glob("*.css")]
    assert [named(path) for path in pages if foreign.search(path.read_text())] == []


def test_every_dependency_says_why() -> None:
    block = re.search(r"^dependencies = \[\n(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL | re.MULTILINE)
    assert block
    lines = block[1].splitlines()
    assert len(lines) == len(PROJECT["project"]["dependencies"])
    assert [line for line in lines if len(line.partition("#")[2].strip()) < 5] == []


def test_the_lock_holds_what_the_project_asks_for() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    locked = {
        canonicalize_name(name): Version(version) for name, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", lock, re.M)
    }
    asked = [Requirement(text) for text in PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]]
    assert [str(one) for one in asked if locked.get(canonicalize_name(one.name)) not in one.specifier] == []


def test_one_python_is_named_everywhere() -> None:
    assert (ROOT / ".python-version").read_text().strip() == "3.13"
    assert PROJECT["project"]["requires-python"] == ">=3.12"
    assert "WANTED = (3, 12)" in (ROOT / "bootstrap.py").read_text()


def test_modules_are_named_after_what_they_do() -> None:
    assert [named(path) for path in SOURCES if path.stem in {"utils", "helpers", "services", "common", "misc"}] == []


def test_nobody_uses_signals() -> None:
    uses = re.compile(r"django\.db\.models\.signals|django\.dispatch|@receiver")
    assert [named(path) for path in SOURCES if uses.search(path.read_text())] == []
