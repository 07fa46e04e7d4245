/* What the library and the server answer, as errors with words. */
#include "event/rabbit_link.h"

#include "event/rabbit_c.h"

#include <errno.h>

int rabbit_sent(struct rabbit_link *l, int status, const char *doing)
{
	if (status == AMQP_STATUS_OK)
		return 0;
	return rabbit_fail(l, -ECONNRESET, "%s: %s", doing, amqp_error_string2(status));
}

int rabbit_replied(struct rabbit_link *l, amqp_rpc_reply_t reply, const char *doing)
{
	const amqp_connection_close_t *close = reply.reply.decoded; /* a channel's close begins likewise */

	if (reply.reply_type == AMQP_RESPONSE_NORMAL)
		return 0;
	if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION)
		return rabbit_sent(l, reply.library_error, doing);
	if (reply.reply.id != AMQP_CONNECTION_CLOSE_METHOD && reply.reply.id != AMQP_CHANNEL_CLOSE_METHOD)
		return rabbit_fail(l, -EPROTO, "%s: an unexpected answer", doing);
	return rabbit_fail(l, close->reply_code == AMQP_PRECONDITION_FAILED ? -EEXIST : -EREMOTEIO, "%s: %.*s", doing,
	                   (int)close->reply_text.len, (const char *)close->reply_text.bytes);
}

int rabbit_read_message(struct rabbit_link *l, amqp_message_t *ret)
{
	return rabbit_replied(l, amqp_read_message(rabbit_connection(l), RABBIT_CHANNEL, ret, 0), "read a message");
}
