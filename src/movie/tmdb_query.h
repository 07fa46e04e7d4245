/* Inside the movie room: a question as TMDB takes it. */
#ifndef CINESYNC_MOVIE_TMDB_QUERY_H
#define CINESYNC_MOVIE_TMDB_QUERY_H

#include "base/buf.h"
#include "movie/question.h"

/* Adds path ("/movie/550") and query (encoded, without '?'; may be empty) of a question to TMDB. The same question
 * gives the same text. Errors stick to the buffers. */
void tmdb_query(const struct question *q, struct buf *ret_path, struct buf *ret_query);

#endif
