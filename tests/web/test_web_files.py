"""What can be said of the pages without a browser."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
SCRIPTS = sorted(WEB.glob("assets/*/*.js"))
PAGES = sorted(WEB.glob("*.html"))
LINES_MAX = 500


def words(language, part="app"):
    text = (WEB / f"assets/{part}/words_{language}.js").read_text(encoding="utf-8")
    return dict(re.findall(r'"([a-z_]+(?:\.[\w.-]+)*)":\s*("[^"]*"|\{[^}]*(?:\{\w+\}[^}]*)*\})', text))


def test_there_are_pages():
    assert [page.name for page in PAGES] == ["docs.html", "index.html", "traces.html"]
    assert len(SCRIPTS) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_inline_that_the_policy_refuses(page):
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text)
    for address in re.findall(r'(?:src|href)="([^"]+)"', text):
        assert address.startswith("/"), address
        assert address.startswith(("/api/", "/traces/api/")) or (WEB / address[1:]).is_file(), address


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: f"{script.parent.name}/{script.name}")
def test_a_script(script):
    text = script.read_text(encoding="utf-8")
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    assert text.startswith("/*"), "a file opens with what it is for"
    assert text.count("\n") <= LINES_MAX
    assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|DOMParser)\b|new Function", code)
    for path in re.findall(r'\bfrom "([^"]+)"', code):
        assert path.startswith("."), f"{path}: nothing from elsewhere"
        assert (script.parent / path).is_file(), path


def test_what_is_imported_is_exported():
    for script in SCRIPTS:
        for names, path in re.findall(r'import \{([^}]+)\} from "([^"]+)"', script.read_text(encoding="utf-8")):
            exported = set(re.findall(r"^export (?:async )?(?:function|const|class) (\w+)",
                                      (script.parent / path).read_text(encoding="utf-8"), re.M))
            assert {name.strip() for name in names.split(",")} - {""} <= exported, (script.name, path)


@pytest.mark.parametrize("part, least", [("app", 150), ("traces", 70)])
def test_both_languages_have_the_same_words(part, least):
    english, russian = words("en", part), words("ru", part)
    assert len(english) > least
    assert english.keys() == russian.keys()
    for key, text in english.items():
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", russian[key])), key


@pytest.mark.parametrize("part", ["app", "traces"])
def test_every_word_that_is_said_is_there(part):
    said = set()
    for script in WEB.glob(f"assets/{part}/*.js"):
        if not script.name.startswith("words_"):
            said |= set(re.findall(r'\bt\([^"`)]*"([a-z_]+\.[\w.]+)"', script.read_text(encoding="utf-8")))
    assert len(said) > 50
    assert said <= words("en", part).keys()


def test_every_problem_has_its_place_in_the_docs():
    """A problem's type is a link to /docs#problem-CODE."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "src").glob("*/*.c") if not path.name.startswith("test_")]
    codes = set(re.findall(r"struct problem \w+ = \{\s*\d+,\s*\"([a-z-]+)\"", "\n".join(sources)))
    codes |= set(re.findall(r"/docs#problem-([a-z-]+)", (ROOT / "src/gateway/nginx.conf.in").read_text(encoding="utf-8")))
    assert {"email-taken", "movie-not-found", "bad-gateway", "validation-failed"} <= codes
    explained = set(re.findall(r'code: "([a-z-]+)"', (WEB / "assets/docs/problem_codes.js").read_text(encoding="utf-8")))
    assert codes <= explained, codes - explained
