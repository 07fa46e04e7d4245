/* An inbox: what other threads hand to the loop's thread, a list that an eventfd tells of.
 *
 * An eventfd, and not uv_async_t, nor uv_queue_work(), which tells by one: after its write uv_async_send() has to mark
 * the handle as left, and the loop spins and then yields its processor until it has (uv__async_spin()). The write wakes
 * the loop, which likely takes that very processor from the sender; if a background thread was the sender, everybody
 * waited for the least important one. Here nobody waits for a thread that has done its write. */
#ifndef CINESYNC_FIBER_INBOX_H
#define CINESYNC_FIBER_INBOX_H

#include "base/list.h"

struct inbox;

/* Of the thread with the runtime; does not yield. take: called on the loop for each node, which is out of every list by
 * then, in the order they were posted; it must not free the inbox. -ENOMEM, -EMFILE, -ENFILE. */
int inbox_new(void (*take)(struct list *node, void *arg), void *arg, struct inbox **ret) MUST_CHECK;
/* From any thread. The node is the loop's from then on. Never fails. */
void inbox_post(struct inbox *i, struct list *node);
/* Takes what is there now. Of the loop's thread; does not yield. */
void inbox_empty(struct inbox *i);
/* Whether it keeps the loop running, which it does not at first. */
void inbox_hold(struct inbox *i);
void inbox_let_go(struct inbox *i);
/* Nobody may post any more, and it must be empty. Closes its loop handle: run the loop once more afterwards. Takes
 * NULL, leaves NULL. */
void inbox_free(struct inbox **i);

#endif
