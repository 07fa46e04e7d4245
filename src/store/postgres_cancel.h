/* Asking a server to end the statement it runs. Private to the driver. */
#ifndef CINESYNC_STORE_POSTGRES_CANCEL_H
#define CINESYNC_STORE_POSTGRES_CANCEL_H

#include "base/macro.h"

#include <stdbool.h>
#include <stdint.h>

struct pg_conn;
struct postgres_cancel;

/* Does not block. -EAGAIN: too many are under way, or no thread; -ENOMEM: then nothing is sent. */
int postgres_cancel_start(struct pg_conn *pg, struct postgres_cancel **ret) MUST_CHECK;
/* Yields until the server has taken it, or until_ms (clock_mono_ms()), which holds under a shield too. True: it is
 * over, and will not reach a later statement of the connection. */
bool postgres_cancel_wait(struct postgres_cancel *c, int64_t until_ms) MUST_CHECK;
/* Lets it go on by itself. Takes NULL. */
void postgres_cancel_unref(struct postgres_cancel **c);

#endif
