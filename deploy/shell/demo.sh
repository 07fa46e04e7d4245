# up --demo-upstream: a stand-in for TMDB that can be hurt, for the movie service to ask. It serves the built-in films in
# TMDB's shapes, and a page with switches for its faults.
# shellcheck shell=sh

DEMO_TOKEN=demo.read.token

demo_wanted() {
	[ "$DEMO" = yes ]
}

# Before the services: they are told where it is.
demo_start() {
	ports_read
	port_choose 8084
	demo_url=http://127.0.0.1:$CHOSEN
	part_spawn tmdb "$demo_url" /usr/bin/python3 "$ROOT/tests/fakes/tmdb/server.py" --listen "127.0.0.1:$CHOSEN" --token "$DEMO_TOKEN"
	parts_wait tmdb || part_died tmdb
	unset TMDB_API_KEY TMDB_TOKEN_FILE TMDB_API_KEY_FILE
	TMDB_BASE_URL=$demo_url/3 TMDB_TOKEN=$DEMO_TOKEN
	export TMDB_BASE_URL TMDB_TOKEN
}
