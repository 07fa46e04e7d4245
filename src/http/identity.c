/* Whose request it is, in the words of a peer that is believed (struct http_trust): X-User-Id, X-User-Role and
 * X-Session-Id stand for a token that the peer has verified. All of them or none, each once, and no Authorization
 * beside them: of two accounts of who asks, neither is taken. Anywhere else these headers mean nothing, and are not
 * looked at. Nothing here yields. */
#include "http/internal.h"

bool identity_peer_is_known(const struct http_trust *trust, int fd, uid_t *ret_uid)
{
	if (socket_peer_uid(fd, ret_uid) < 0)
		return false;
	for (size_t i = 0; i < trust->n_uids; i++)
		if (trust->uids[i] == *ret_uid)
			return true;
	return false;
}

static const struct problem *malformed(const char *detail, const char **ret_detail)
{
	*ret_detail = detail;
	return &problem_malformed_request;
}

/* In the arena, as what comes out of a token is. */
static bool copy(struct request *req, struct http_user *user)
{
	const struct head *h = &req->head;

	user->id = arena_str(req->arena, h->user_id);
	user->role = arena_str(req->arena, h->user_role);
	user->session_id = arena_str(req->arena, h->session_id);
	return user->id.data && user->role.data && user->session_id.data;
}

const struct problem *identity_admit(struct request *req, const char **ret_detail)
{
	const struct http_trust *trust = req->server->options.trust;
	const struct head *h = &req->head;
	struct http_user named;

	if (!trust || (h->n_user_id == 0 && h->n_user_role == 0 && h->n_session_id == 0))
		return NULL;
	assert(req->connection->is_vouched);
	if (h->n_user_id != 1 || h->n_user_role != 1 || h->n_session_id != 1)
		return malformed("Who asks is said in part, or more than once.", ret_detail);
	if (h->n_authorization > 0)
		return malformed("There is an access token beside the headers that stand for one.", ret_detail);
	if (!copy(req, &named)) {
		*ret_detail = "There is no memory left.";
		return &problem_overloaded;
	}
	if (!trust->is_sound(&named))
		return malformed("The headers about who asks are not valid.", ret_detail);
	req->named = named;
	return NULL;
}
