"""What the build rests on: known files, known hashes, and no place named to get them from."""

import hashlib
import re
from pathlib import Path

import django_include_bootstrap
import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
BUILD_FILES = [*LOCKS, ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / ".ci/run"]

# Equal to the files that Bootstrap 5.3.8 publishes. A new version of the package must be looked at before these change.
BOOTSTRAP = {
    "css/bootstrap.min.css": "d85327d99c7a3ee1f9b5d0500d1370acea3ad2db39c163c2f51f232baedbdede",
    "js/bootstrap.bundle.min.js": "e4fd49181388c48ec5040bd3fe66f57c29c8e67fcd8502b3354b96ec7ab47cc7",
}


@pytest.mark.parametrize("name", BOOTSTRAP)
def test_bootstrap_is_the_one_that_was_looked_at(name: str) -> None:
    content = (Path(django_include_bootstrap.__file__).parent / "static" / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == BOOTSTRAP[name]


@pytest.mark.parametrize("path", BUILD_FILES, ids=lambda path: path.name)
def test_build_files_name_no_place_to_get_packages_from(path: Path) -> None:
    places = re.findall(r"https?://(?!127\.0\.0\.1)\S+|(?<!no-emit)-(?:index-url|find-links)|trusted-host", path.read_text())
    assert places == []


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_locked_package_has_a_hash(path: Path) -> None:
    packages = re.split(r"\n(?=\S)", path.read_text().strip())
    assert packages
    assert [package for package in packages if "==" not in package or "--hash=sha256:" not in package] == []


def test_tests_run_with_the_packages_that_production_runs_with() -> None:
    production, development = (
        dict(re.findall(r"^([a-z0-9-]+)(?:\[[^\]]*\])?==(\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("prod.txt", "dev.txt")
    )
    assert production.items() <= development.items()
