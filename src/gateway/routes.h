/* The API's operations as its OpenAPI document has them: which template a path belongs to, which methods it has. So
 * that spans and metrics go by "/api/v1/movies/{movie_id}" and never by what a client makes up. Never yields. */
#ifndef CINESYNC_GATEWAY_ROUTES_H
#define CINESYNC_GATEWAY_ROUTES_H

#include "base/str.h"

#define ROUTES_MAX 1000
#define ROUTE_LEN_MAX 127 /* bytes of a template; a longer one is refused */
#define ROUTE_SEGMENTS_MAX 16

enum route_method {
	ROUTE_GET,
	ROUTE_HEAD,
	ROUTE_POST,
	ROUTE_PUT,
	ROUTE_PATCH,
	ROUTE_DELETE,
	ROUTE_OPTIONS,
	ROUTE_OTHER, /* any other name */
	ROUTE_METHODS,
};

struct route {
	const char *path; /* the template */
	unsigned methods; /* a bit each */
	bool has_secret;  /* a part of the path is a secret: its value belongs into no span */
};

struct routes;

/* -EINVAL: no OpenAPI document, or over the limits above; -ENOMEM. */
int routes_parse(struct str document, struct routes **ret) MUST_CHECK;
/* Takes NULL, leaves NULL. */
void routes_free(struct routes **r);
/* path: as the client sent it, without its query. Of several the one with the fewest parameters; NULL: none. */
const struct route *routes_find(const struct routes *r, struct str path);
/* Whether the document has this operation; HEAD goes with GET. */
bool route_takes(const struct route *route, enum route_method method);

enum route_method route_method_from(struct str name);
/* "GET"; "_OTHER", as OpenTelemetry has it. */
const char *route_method_name(enum route_method method);

#endif
