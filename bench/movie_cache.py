#!/usr/bin/env python3
"""CPU a request of the movie service, by where the answer is found, against nginx `return 200` of the same bytes.

usage: movie_cache.py BUILD [--rounds 5] [--seconds 4] [--connections 64]

    builtin, memory     a search of the built-in films that is in memory
    TMDB, memory        the same kind of answer, of TMDB's
    Redis               it has left memory (room for one answer) and is fetched from Redis: 500 questions in turn
    TMDB, 20 ms away    it was never asked: each question goes to a stand-in for TMDB that takes 20 ms

What is measured has one core for itself; the load generator, Redis and the stand-in share the other. All take turns.
"""
import argparse
import contextlib
import pathlib
import tempfile

import measure

SEARCH = "/search?query=toy+story"  # about 1 KB from the built-in films; nginx takes at most 4 KB in one `return`
FILM = "/search?query=casablanca"
QUESTIONS = 500
NGINX_BUILTIN, NGINX_TMDB = "nginx, same as builtin", "nginx, same as TMDB"
# A private part makes a language tag another question with the same answer.
AGAIN = f"'/api/v1/movies{FILM}&language=en-x-a' .. (n % {QUESTIONS})"
NEVER = f"'/api/v1/movies{FILM}&language=en-x-b' .. n .. '-%s'"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=64)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        build = given.build.resolve()
        base = stack.enter_context(measure.tmdb("--framing", "length"))
        cache = stack.enter_context(measure.redis(folder))
        remote = measure.tmdb_settings(base)
        builtin = stack.enter_context(measure.movie(build, folder / "builtin"))
        memory = stack.enter_context(measure.movie(build, folder / "memory", **remote))
        shared = stack.enter_context(measure.movie(build, folder / "shared", REDIS_URL=cache, CACHE_ENTRIES_MAX=1, **remote))
        far = stack.enter_context(measure.movie(build, folder / "far", **remote))
        for number in range(QUESTIONS):
            measure.get(f"{shared[1]}{FILM}&language=en-x-a{number}")
        measure.faults(base, '{"latency_ms": 20}')
        references = {}
        for name, url in (("of built-in films", builtin[1] + SEARCH), ("of TMDB's", memory[1] + FILM)):
            body, _ = measure.get(url)
            _, headers = measure.get(url)
            print(f"answer {name}: {len(body)} bytes")
            references[name] = stack.enter_context(measure.nginx(folder / f"nginx{len(references)}", body, headers))
        again = measure.paths_script(folder, "again", AGAIN)
        turns = {}
        for number in range(given.rounds):
            never = measure.paths_script(folder, "never", NEVER.replace("%s", f"r{number}"))
            for label, (pid, url), script in ((NGINX_BUILTIN, references["of built-in films"], None),
                                              ("builtin, memory", (builtin[0], builtin[1] + SEARCH), None),
                                              (NGINX_TMDB, references["of TMDB's"], None),
                                              ("TMDB, memory", (memory[0], memory[1] + FILM), None), ("Redis", shared, again),
                                              ("TMDB, 20 ms away", far, never)):
                turns.setdefault(label, []).append(measure.load(pid, url, given.seconds, given.connections, script))
    print(f"{given.connections} connections, {given.rounds} turns of {given.seconds} s each")
    measure.report(turns, {"builtin, memory": NGINX_BUILTIN, "TMDB, memory": NGINX_TMDB, "Redis": NGINX_TMDB, "TMDB, 20 ms away": NGINX_TMDB})


if __name__ == "__main__":
    main()
