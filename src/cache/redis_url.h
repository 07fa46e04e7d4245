/* Inside the cache room: redis://[[user]:password@]host[:port][/db]. Pure. */
#ifndef CINESYNC_CACHE_REDIS_URL_H
#define CINESYNC_CACHE_REDIS_URL_H

#include "base/str.h"

#define REDIS_PORT 6379

struct redis_url {
	char *text;       /* owned: what the others point into; wiped at the end */
	size_t text_size; /* bytes */
	const char *host; /* a name or an address, without brackets */
	uint16_t port;
	int64_t db;
	struct str user;     /* null: the default one */
	struct str password; /* decoded, any bytes; null: none */
};

/* -EINVAL, -ENOMEM. Free with redis_url_done(). */
int redis_url_parse(const char *text, struct redis_url *ret) MUST_CHECK;
void redis_url_done(struct redis_url *u);

#endif
