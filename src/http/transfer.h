/* Inside the http room: one call of the client as a libcurl transfer. Nothing here yields. */
#ifndef CINESYNC_HTTP_TRANSFER_H
#define CINESYNC_HTTP_TRANSFER_H

#include "base/buf.h"
#include "base/log.h"
#include "http/client.h"
#include "telemetry/trace.h"

#include <curl/curl.h>

struct fiber;

struct transfer {
	CURL *easy;
	struct fiber *fiber; /* who waits */
	struct curl_slist *headers;
	struct buf body;
	bool done;
	bool too_large;
	CURLcode code; /* once done */
};

/* Sets the handle up; easy may be NULL (out of memory), ca_file too. -EINVAL, -ENOMEM. */
int transfer_begin(struct transfer *t, CURL *easy, const struct http_call *call, const char *user_agent,
                   const char *ca_file) MUST_CHECK;
/* The ended transfer's outcome: 0 or one of http_client_call()'s errors. */
int transfer_error(const struct transfer *t) MUST_CHECK;
/* Copies the answer into the arena. */
int transfer_answer(struct transfer *t, struct arena *a, struct http_answer *ret) MUST_CHECK;
/* Frees all but the handle. */
void transfer_done(struct transfer *t);

#endif
