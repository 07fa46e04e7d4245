"""The papers say what is true: links lead somewhere, settings are the programs' own, every folder explains itself."""
import pathlib
import re
import subprocess
import sys

import pytest
from harness import BUILD, ROOT

PAPERS = sorted(path.relative_to(ROOT) for path in ROOT.glob("*.md"))
FOLDERS = ("src", "web", "deploy", "tests", "bench", "tools", "data")


def test_the_settings_tables_are_what_the_programs_print():
    done = subprocess.run([sys.executable, ROOT / "tools" / "readme_settings.py", "--check", BUILD, "README.md", "README.ru.md"],
                          cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("paper", PAPERS, ids=str)
def test_links_lead_somewhere(paper):
    text = (ROOT / paper).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        assert (ROOT / paper.parent / target).exists(), f"{paper} points at {target}"


@pytest.mark.parametrize("paper", PAPERS, ids=str)
def test_files_named_in_the_text_exist(paper):
    text = (ROOT / paper).read_text(encoding="utf-8")
    for name in re.findall(r"`((?:src|tests|tools|bench|deploy|web)/[\w./-]+\.\w+)`", text):
        assert (ROOT / name).exists(), f"{paper} names {name}"


@pytest.mark.parametrize("top", FOLDERS)
def test_every_folder_has_a_readme(top):
    for folder in [ROOT / top, *(path for path in (ROOT / top).rglob("*") if path.is_dir())]:
        if folder.name.startswith((".", "__")) or not any(path.is_file() for path in folder.iterdir()):
            continue
        assert (folder / "README.md").exists() or explained_above(folder), f"{folder.relative_to(ROOT)} has no README.md"


def explained_above(folder: pathlib.Path):
    """A folder of parts (assets, images) may be explained by one above it, by its path from there."""
    for above in folder.parents:
        paper = above / "README.md"
        if above != ROOT and paper.exists() and f"{folder.relative_to(above)}/" in paper.read_text(encoding="utf-8"):
            return True
    return False


def test_every_file_of_tests_is_told_of():
    folder = ROOT / "tests" / "system"
    told = re.findall(r"`(test_[\w*]+\.py)`", (folder / "README.md").read_text())
    assert {path.name for path in folder.glob("test_*.py")} == {path.name for pattern in told for path in folder.glob(pattern)}
    assert [pattern for pattern in told if not list(folder.glob(pattern))] == []
