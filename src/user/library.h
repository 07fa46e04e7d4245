/* The library: somebody's films in collections (favourites, watchlist, ratings, watched, named lists).
 *
 * One row a film in a collection (library_entries), one row of what is known of a film for all who keep it (films), one
 * row a person with the version and the counts (library_state). Every change of entries goes through library_apply():
 * it locks the person's library_state row, gives the changed row the next version, and counts. So versions are
 * committed in order, none is shared by two rows, and a reader that has seen version V asks for what is above V and
 * misses nothing.
 *
 * What is removed stays as a tombstone for TOMBSTONE_DAYS. Ratings are half points inside (1..20) and points outside
 * (0.5..10). A film that the movie service could not be asked about is pending until it can. */
#ifndef CINESYNC_USER_LIBRARY_H
#define CINESYNC_USER_LIBRARY_H

#include "user/messages.h"
#include "user/user.h"

#define LIBRARY_CHANGES_MAX 500 /* in one call of library_apply() */
#define LIBRARY_RATING_MAX 20
#define LIBRARY_TITLE_KEY_MAX 120 /* bytes */

enum library_collection {
	LIBRARY_FAVORITES,
	LIBRARY_WATCHLIST,
	LIBRARY_RATINGS,
	LIBRARY_WATCHED,
	LIBRARY_LIST, /* the one with the id list_id */
};

enum library_action { LIBRARY_PUT, LIBRARY_REMOVE };

enum library_outcome {
	LIBRARY_CREATED,   /* it was not there, or a tombstone */
	LIBRARY_CHANGED,   /* it was there with another rating, date or note, or pending */
	LIBRARY_UNCHANGED, /* it was there just so, or was not there to be removed */
	LIBRARY_REMOVED,
	LIBRARY_FULL,    /* LIBRARY_ENTRIES_MAX, or LIST_ITEMS_MAX; nothing changed */
	LIBRARY_NO_LIST, /* no such list of this person; nothing changed */
};

struct library_change {
	enum library_action action;
	enum library_collection collection;
	struct str list_id; /* LIBRARY_LIST only; lower-case UUID */
	struct str item_id; /* LIBRARY_WATCHED only: the watch's UUID, of a new one too (uuid_v7()) */
	int64_t movie_id;
	const struct movie_brief *film; /* LIBRARY_PUT: what the movie service says; NULL: it cannot say, pending */
	bool is_film_kept;              /* it said so before, and the films table has it so */
	int64_t rating;                 /* LIBRARY_RATINGS only: 1..LIBRARY_RATING_MAX */
	struct str watched_on;          /* LIBRARY_WATCHED only: YYYY-MM-DD; null: nobody remembers */
	struct str note;                /* watches and items of lists; null: none */
	int64_t added_at_ms;            /* of a new entry; 0: now. An import keeps the date of its source */

	/* What came of it. */
	enum library_outcome outcome;
	int64_t version; /* the entry's, of its last change; 0: there is none */
	/* The entry that is there now; all 0 when there is none. */
	int64_t kept_added_ms;
	int64_t kept_changed_ms;
	int64_t kept_rating; /* the owner's rating of the film, which entries of every collection have; 0: none */
	bool is_pending;     /* the entry is */
};

/* Yields. Applies changes of one person's library in order, each filling in its outcome. tx: the caller's transaction,
 * once in each, since it locks in the order films, library_state, lists, entries; what the caller adds to it after that
 * (an outbox row, a job's progress) may lock nothing of these. NULL: a transaction of its own, committed on return; a
 * single change then takes one round trip. n: 1..LIBRARY_CHANGES_MAX. -ENOKEY: the account is gone; else as
 * store_tx_query() and store_commit(). */
int library_apply(struct store_tx *tx, struct str user_id, struct library_change *changes, size_t n,
                  struct arena *a) MUST_CHECK;

/* Yields. What the movie service said just now of a film that is known already, or about to be. */
int library_film_keep(const struct movie_brief *film, struct arena *a) MUST_CHECK;

/* As the collection column has it: "favorites", "watchlist", "ratings", "watched"; for LIBRARY_LIST the list_id. */
struct str library_collection_name(enum library_collection collection, struct str list_id);
/* The other way round: a list's id gives LIBRARY_LIST. */
enum library_collection library_collection_from(struct str name);

/* What a title is sorted and searched by: words without case, accents and punctuation (Unicode NFKD and case folding),
 * a leading article (the, a, an) at the end, at most LIBRARY_TITLE_KEY_MAX bytes. 0; -EILSEQ; -ENOMEM. Never yields. */
int library_title_key(struct str title, struct arena *a, struct str *ret) MUST_CHECK;
/* The same without moving the article, for what is looked for within keys. */
int library_title_part(struct str text, struct arena *a, struct str *ret) MUST_CHECK;

/* Points (0.5 .. 10) to half points (1..20); 0: it is not a rating. */
int64_t library_rating_halves(double points);
double library_rating_points(int64_t halves);

#endif
