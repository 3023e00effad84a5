"""What is installed is what was locked: packages pinned and hashed, nowhere an address, and bills of what there is."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import absent

ROOT = Path(__file__).parents[2]
LOCKS = sorted(path for path in ROOT.glob("requirements/**/*.txt") if not path.stem.endswith("overrides"))
PINNED = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^ ;]+)( ; [^:]+?)?( --hash=sha256:[0-9a-f]{64})+")
NPM = [ROOT / "clients" / "typescript", ROOT / "serving" / "console"]
INSTALLERS = [ROOT / "Makefile", *(ROOT / ".ci" / name for name in ("install", "run", "audit", "sbom"))]


def lines_of(path: Path) -> list[str]:
    text = path.read_text().replace("\\\n", " ")
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip()]


def npm_packages(folder: Path) -> dict[str, dict[str, object]]:
    """What the lock has from outside, by its place."""
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    return {name: each for name, each in packages.items() if name.startswith("node_modules/") and not each.get("link")}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_lock_is_pins_and_hashes_and_no_address(path: Path) -> None:
    assert [line for line in lines_of(path) if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("folder", NPM, ids=lambda folder: folder.name)
def test_an_npm_lock_has_hashes_and_no_address(folder: Path) -> None:
    packages = npm_packages(folder)
    assert packages
    assert [name for name, each in packages.items() if not str(each.get("integrity")).startswith("sha512-")] == []
    assert "://" not in "".join(str(each.get("resolved", "")) for each in packages.values())
    assert (folder / ".npmrc").read_text().split() == ["omit-lockfile-registry-resolved=true"]


@pytest.mark.parametrize("path", INSTALLERS, ids=lambda path: path.name)
def test_whatever_installs_goes_by_the_locks(path: Path) -> None:
    commands = [part.strip() for line in lines_of(path) for part in re.split(r"&&|\|\||;|\{", line)]
    pip = [command for command in commands if re.search(r"\bpip\S* install\b", command)]
    locked = [command for command in pip if " -r " in command]
    assert [command for command in locked if "--require-hashes" not in command or "--no-deps" not in command] == []
    ours = [command for command in pip if " -e . " in command]
    assert all("--no-deps --no-build-isolation" in command for command in ours)
    rest = [command for command in pip if command not in (*locked, *ours) and not command.startswith("echo")]
    assert [command for command in rest if not command.endswith("--quiet uv")] == [], (
        "only `make lock` takes the newest"
    )
    assert not any(re.search(r"\bnpm (i|install|add)\b|\bnpx\b", command) for command in commands)
    assert not any(re.search(r"\b(curl|wget)\b.*http", command) for command in commands)


def test_bills_of_materials_name_what_the_locks_have(tmp_path: Path) -> None:
    if not (ROOT / ".audit-venv" / ".installed").exists():
        absent("needs .audit-venv (make sbom builds it)")
    subprocess.run([ROOT / ".ci" / "sbom", tmp_path], check=True, timeout=300, stdout=subprocess.DEVNULL)
    bills = {path.name.split(".")[0]: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    for bill in bills.values():
        assert (bill["bomFormat"], bill["specVersion"] in ("1.5", "1.6")) == ("CycloneDX", True)
        assert bill["$schema"] == f"http://cyclonedx.org/schema/bom-{bill['specVersion']}.schema.json"
        assert str(tmp_path.parent) not in json.dumps(bill)
    for name, lock in (("gateway", "gateway.txt"), ("training", "training-gpu.txt")):
        pinned = [found for line in lines_of(ROOT / "requirements" / lock) if (found := PINNED.fullmatch(line))]
        told = {each["purl"].partition("?")[0] for each in bills[f"sbom-{name}"]["components"]}
        assert told == {f"pkg:pypi/{found['name']}@{found['version']}" for found in pinned}
        assert bills[f"sbom-{name}"]["metadata"]["component"]["name"] == "penstock"
    for folder in NPM if "sbom-console" in bills else ():
        wanted = {name.rpartition("node_modules/")[2] for name in npm_packages(folder)}
        told = {each["purl"].removeprefix("pkg:npm/").replace("%40", "@").rpartition("@")[0] for each in
                bills[f"sbom-{folder.name}"]["components"]}  # fmt: skip
        assert wanted <= told
        assert told - wanted <= {"@penstock/client"}


@pytest.fixture
def audited(tmp_path: Path) -> "Audited":
    return Audited(tmp_path)


class Audited:
    """`.ci/audit` with programs in the place of pip-audit and npm that answer as told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def by(self, pip_audit: str, npm: str) -> tuple[int, str]:
        programs = {"PIP_AUDIT": pip_audit, "NPM": npm}
        for name, text in programs.items():
            (self.folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (self.folder / name).chmod(0o755)
        environment = os.environ | {name: str(self.folder / name) for name in programs}
        command = [ROOT / ".ci" / "audit"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr


KNOWS = 'case "$*" in *--require-hashes*) exit {code};; *) echo "jinja2 2.10 PYSEC-2019-217"; exit 1;; esac'
NPM_KNOWS = 'case "$*" in *--json*) echo \'{"severity": "high"}\'; exit 1;; *) exit 0;; esac'


def test_an_audit_asks_for_every_lock(audited: Audited) -> None:
    code, said = audited.by(KNOWS.format(code=0), NPM_KNOWS)
    assert code == 0, said
    named = set(re.findall(r"^== (\S+)$", said, re.MULTILINE))
    folders = {str(folder.relative_to(ROOT)) for folder in NPM}
    assert named == folders | {str(path.relative_to(ROOT)) for path in LOCKS if path.parent.name == "requirements"}


def test_an_audit_with_findings_fails(audited: Audited) -> None:
    assert audited.by(KNOWS.format(code=1), NPM_KNOWS)[0] == 1


@pytest.mark.parametrize(
    ("pip_audit", "npm"), [("echo 'No known vulnerabilities found'", NPM_KNOWS), (KNOWS, "exit 1")]
)
def test_a_database_that_does_not_know_an_old_flaw_was_not_asked(audited: Audited, pip_audit: str, npm: str) -> None:
    code, said = audited.by(pip_audit.replace("{code}", "0"), npm)
    assert (code, "Not audited: " in said) == (2, True)
