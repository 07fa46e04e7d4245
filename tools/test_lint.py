#!/usr/bin/env python3
"""Each rule of tools/lint, broken in a small tree of its own: the fault must be found, at its line, and nothing else."""
import subprocess
import tempfile
import unittest
from pathlib import Path

LINT = Path(__file__).resolve().parent / "lint"
GUARDED = "#ifndef X_H\n#define X_H\n{}\n#endif\n"


def run_lint(files, *checks):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        done = subprocess.run([str(LINT), "--root", folder, *checks], text=True, capture_output=True, check=False)
        lines = done.stdout.splitlines()
        return done.returncode, lines[:-1], lines[-1]


class LintTest(unittest.TestCase):
    def found(self, files, check, *expected):
        code, faults, last = run_lint(files, check)
        self.assertEqual(faults, list(expected))
        self.assertEqual(code, 1 if expected else 0)
        self.assertEqual(last, f"lint: {len(files)} files, {len(expected)} faults")

    def test_allowed_includes(self):
        self.found({
            "src/http/a.c": '#include "base/str.h"\n#include "fiber/fiber.h"\n#include "http/a.h"\n#include <stdio.h>\n',
            "src/user/a.c": '#include "service/service.h"\n#include "store/store.h"\n',
            "src/base/b.c": '/* #include "user/user.h" */\n',
        }, "rooms")

    def test_includes_against_the_order(self):
        self.found({
            "src/base/a.c": '#include "fiber/fiber.h"\n',
            "src/movie/a.c": '\n#include "user/user.h"\n',
            "src/movie/b.h": '# include "event/event.h"\n',
            "src/token/a.c": '#include "fiber/fiber.h"\n',
        }, "rooms",
            'src/base/a.c:1: "fiber/fiber.h": base may not include fiber',
            'src/movie/a.c:2: "user/user.h": movie may not include user',
            'src/movie/b.h:1: "event/event.h": movie may not include event',
            'src/token/a.c:1: "fiber/fiber.h": token may not include fiber')

    def test_includes_not_from_src_and_unknown_rooms(self):
        self.found({
            "src/http/a.c": '#include "a.h"\n#include "../base/str.h"\n',
            "src/cellar/a.c": "int x;\n",
        }, "rooms",
            "src/cellar/a.c:1: src/cellar is no room of the design",
            'src/http/a.c:1: "a.h": write includes from src/, as "http/a.h"',
            'src/http/a.c:2: "../base/str.h": write includes from src/, as "http/str.h"')

    def test_headers_compile_alone(self):
        code, faults, _ = run_lint({
            "src/base/good.h": GUARDED.format("#include <stddef.h>\nsize_t a(void);"),
            "src/base/bad.h": GUARDED.format("size_t a(void);"),
        }, "headers")
        self.assertEqual(code, 1)
        self.assertEqual(len(faults), 1)
        self.assertIn("src/base/bad.h:1: does not compile alone:", faults[0])
        self.assertIn("size_t", faults[0])

    def test_banned_functions(self):
        self.found({
            "src/base/a.c": '/* strcpy(a) */\nchar *s = "gets(x)";\nint f(void) { return my_atoi(s) + atoi (s); }\n',
            "src/http/a.c": "int g(void)\n{\n\treturn sigsetjmp(x, 0);\n}\n",
            "src/fiber/a.c": "int g(void)\n{\n\treturn sigsetjmp(x, 0);\n}\n",
        }, "banned",
            "src/base/a.c:3: atoi() is banned: use str_to_int64",
            "src/http/a.c:3: sigsetjmp() is banned: only the fiber room jumps")

    def test_long_files(self):
        self.found({"src/base/a.c": "\n" * 500, "web/a.js": "\n" * 501}, "sizes",
                   "web/a.js:501: has 501 lines, at most 500 are allowed")

    def test_long_functions(self):
        short = "int a(void)\n{\n\treturn 0;\n}\n"
        self.found({
            "src/base/a.c": short * 9 + "int fits(int a,\n\t int b)\n{\n" + "\t;\n" * 66 + "}\n",
            "src/base/b.c": "\nstatic int *over(void)\n{\n" + "\tif (x) {\n\t}\n" * 34 + "}\n",
            "tests/a.py": "def over():\n" + "    pass\n" * 70,
        }, "functions",
            "src/base/b.c:2: over() has 71 lines, at most 70 are allowed",
            "tests/a.py:1: over() has 71 lines, at most 70 are allowed")

    def test_the_median_function(self):
        body = "int a(void)\n{\n" + "\t;\n" * 13 + "}\n"
        self.found({"src/base/a.c": body}, "functions",
                   "src:1: the median function has 16 lines, at most 15 are allowed")

    def test_folders_without_readme(self):
        self.found({
            "src/base/a.c": "", "src/user/README.md": "", "src/user/sql/a.sql": "", "tests/a.py": "",
        }, "readmes",
            "src/base:1: has no README.md", "src/user/sql:1: has no README.md", "tests:1: has no README.md")

    def test_leftovers(self):
        word = "TO" + "DO"
        self.found({"web/a.js": f"\n// {word}: later\n", "cinesync": "mktemp -t aXXXXXX\n"}, "leftovers",
                   f"web/a.js:2: {word}: finish it or file an issue")

    def test_an_unknown_check_is_refused(self):
        done = subprocess.run([str(LINT), "roofs"], text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no such check: roofs", done.stderr)


if __name__ == "__main__":
    unittest.main()
