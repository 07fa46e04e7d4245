#!/usr/bin/env python3
"""Memory of the movie service over a million different questions.

usage: movie_keys.py BUILD [--keys 1000000]

Each question is asked once; the cache in memory is of the default size. Printed: Rss after each tenth, and how much it grew from
the fifth tenth to the last.
"""
import argparse
import pathlib
import re
import tempfile

import measure


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--keys", type=int, default=1000000)
    given = parser.parse_args()
    sizes = []
    with tempfile.TemporaryDirectory() as name, measure.movie(given.build.resolve(), pathlib.Path(name) / "movie") as (pid, url):
        asked = 0
        while asked < given.keys:
            script = measure.paths_script(pathlib.Path(name), "keys", f"'/api/v1/movies/search?query=casablanca+' .. (n + {asked})")
            out = measure.wrk(url, 2, 64, script)
            if "Non-2xx" in out:
                raise SystemExit(out)
            asked += int(re.search(r"(\d+) requests in", out).group(1))
            while len(sizes) < min(10, asked * 10 // given.keys):
                sizes.append(measure.rss_mb(pid))
                print(f"{asked:9,} questions: Rss {sizes[-1]:.1f} MB", flush=True)
    print(f"from half of them to all: {sizes[-1] - sizes[4]:+.1f} MB")


if __name__ == "__main__":
    main()
