/* Fetches a key set by HTTP into a file, for a gateway that the user service has no file in common with.
 *
 * A key set that is there is replaced by another key set alone, whole and at once: whatever else is answered, or is
 * not, leaves it. An ETag is asked with, so that keys that stay cost little. */
#ifndef CINESYNC_GATEWAY_KEYS_FETCH_H
#define CINESYNC_GATEWAY_KEYS_FETCH_H

#include "base/str.h"

struct keys_fetch;

struct keys_fetch_options {
	const char *url;
	const char *file;
	const char *ca_file; /* NULL: the system's */
	int64_t timeout_ms;  /* of one round */
	int stop_fd;         /* when it can be read, a round is broken off */
};

/* The texts of the options stay the caller's, for as long as it lives. -ENOMEM. */
int keys_fetch_new(const struct keys_fetch_options *options, struct keys_fetch **ret) MUST_CHECK;
void keys_fetch_free(struct keys_fetch **f);

/* 1: the file has other keys now; 0: those that it has are the ones of today. -ECANCELED: it was stopped. Else
 * *ret_reason says in words what was wrong: -EAGAIN: no answer; -EBADMSG: it is none of a key set; -errno: the file
 * cannot be written. The words live until the next round. */
int keys_fetch_round(struct keys_fetch *f, const char **ret_reason) MUST_CHECK;

#endif
