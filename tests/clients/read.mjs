// Reads a few films by somebody else's client and prints what that client made of them, as JSON.
//
// usage: node read.mjs moviedb-promise|tmdb-ts BASE_URL TOKEN API_KEY, where BASE_URL ends in /3
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const [which, base, token, key] = process.argv.slice(2);
const PARTS = ["credits", "videos", "watch/providers", "release_dates", "external_ids", "keywords"];
const FILM = 39;

// Every film is asked for as the client's own documentation says.
function moviedbPromise() {
	const { MovieDb } = require("moviedb-promise");
	const client = new MovieDb(key, base + "/");
	return {
		search: (query) => client.searchMovie({ query }),
		details: (id) => client.movieInfo({ id, append_to_response: PARTS.join(",") }),
		popular: (page) => client.moviePopular({ page }),
		genres: () => client.genreMovieList(),
		missing: () => client.movieInfo({ id: 1 }),
		status: (error) => error.response.data.status_code,
	};
}

// This client knows one address only; its requests are sent to another on their way out.
function tmdbTs() {
	const { TMDB } = require("tmdb-ts");
	const redirected = (url, options) => fetch(url.replace("https://api.themoviedb.org/3", base), options);
	const client = new TMDB(token, { fetch: redirected });
	return {
		search: (query) => client.search.movies({ query }),
		details: (id) => client.movies.details(id, PARTS),
		popular: (page) => client.movies.popular({ page }),
		genres: () => client.genres.movies(),
		missing: () => client.movies.details(1),
		status: (error) => error.status_code,
	};
}

const clients = { "moviedb-promise": moviedbPromise, "tmdb-ts": tmdbTs };
const client = clients[which]();
const read = {
	search: await client.search("kill bill"),
	nothing: await client.search("qqqzzz"),
	details: await client.details(FILM),
	popular: await client.popular(3),
	genres: await client.genres(),
	missing: await client.missing().then(() => null, client.status),
};
console.log(JSON.stringify(read));
