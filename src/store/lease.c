/* Leases: a row each, taken when it has no holder, an expired one, or this one. */
#include "store/lease.h"

#include "base/clock.h"
#include "base/random.h"

static const char sql_take[] =
        "INSERT INTO leases (name, holder, expires_at_ms) VALUES ($1, $2, $3) "
        "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at_ms = excluded.expires_at_ms "
        "WHERE leases.holder = excluded.holder OR leases.expires_at_ms <= $4";
static const char sql_release[] = "DELETE FROM leases WHERE name = $1 AND holder = $2";

int store_lease_take(struct store *s, const char *name, struct str holder, int64_t ttl_ms, struct arena *a)
{
	int64_t now_ms = clock_real_ms();
	struct store_rows rows;
	int r = store_query(
	        s, sql_take,
	        STORE_ARGS(STORE_S(str_from(name)), STORE_S(holder), STORE_I(now_ms + ttl_ms), STORE_I(now_ms)), a,
	        &rows);

	return r < 0 ? r : rows.affected > 0;
}

int store_lease_release(struct store *s, const char *name, struct str holder, struct arena *a)
{
	return store_query(s, sql_release, STORE_ARGS(STORE_S(str_from(name)), STORE_S(holder)), a, NULL);
}

void store_lease_init(struct store_lease *l, const char *name, int64_t ttl_ms, bool competes)
{
	*l = (struct store_lease){ .name = name, .ttl_ms = ttl_ms };
	if (competes)
		uuid_v7(l->holder);
}

bool store_lease_is_held(const struct store_lease *l)
{
	return l->holder[0] == '\0' || clock_mono_ms() < l->held_until_ms;
}

int store_lease_hold(struct store_lease *l, struct store *s, struct arena *a)
{
	int64_t now_ms = clock_mono_ms();
	int r;

	if (l->holder[0] == '\0' || (l->asked_ms > 0 && now_ms - l->asked_ms < l->ttl_ms / 3))
		return store_lease_is_held(l);
	r = store_lease_take(s, l->name, str_from(l->holder), l->ttl_ms, a);
	if (r < 0)
		return r;
	l->asked_ms = now_ms;
	l->held_until_ms = r ? now_ms + l->ttl_ms * 2 / 3 : 0;
	return r;
}

void store_lease_drop(struct store_lease *l, struct store *s)
{
	struct arena *a CLEANUP(arena_free) = NULL;

	if (l->holder[0] == '\0' || !store_lease_is_held(l) || arena_new(4096, &a) < 0)
		return;
	/* Failing, it runs out by itself. */
	(void)!store_lease_release(s, l->name, str_from(l->holder), a);
	l->held_until_ms = 0;
}
