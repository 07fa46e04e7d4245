/* The settings of a gateway that is believed: nothing by default, and nothing that lets others be believed. */
#include "service/trust.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static int load(struct trust_settings *s, struct buf *faults)
{
	int r = config_load(trust_settings_table(), s, faults);

	return r < 0 ? r : trust_settings_check(s, faults);
}

static void nobody_is_believed_by_default(void **state)
{
	struct trust_settings s = { 0 };
	struct buf faults CLEANUP(buf_done);

	(void)state;
	buf_init(&faults, 4096);
	assert_int_equal(load(&s, &faults), 0);
	assert_null(s.socket);
	config_done(trust_settings_table(), &s);
}

static void who_may_connect(void **state)
{
	struct trust_settings s = { .socket = (char *)(uintptr_t) "/run/x/x.sock" };
	struct trust t;

	(void)state;
	assert_int_equal(trust_init(&s, &t), 0);
	assert_string_equal(t.address, "unix:/run/x/x.sock");
	assert_int_equal(t.socket.group, (gid_t)-1);
	assert_int_equal(t.socket.n_uids, 2);
	assert_int_equal(t.uids[0], geteuid());
	assert_int_equal(t.uids[1], 0);
	s.uids = (char *)(uintptr_t) " 33,1000  7 ";
	s.socket_group = (char *)(uintptr_t) "4711";
	assert_int_equal(trust_init(&s, &t), 0);
	assert_int_equal(t.socket.group, 4711);
	assert_int_equal(t.socket.n_uids, 3);
	assert_int_equal(t.uids[0], 33);
	assert_int_equal(t.uids[1], 1000);
	assert_int_equal(t.uids[2], 7);
}

static void faulty(const char *name, const char *value, const char *fault)
{
	struct trust_settings s = { 0 };
	struct buf faults CLEANUP(buf_done);

	buf_init(&faults, 4096);
	setenv(name, value, 1);
	if (load(&s, &faults) != -EINVAL || !strstr(faults.data, fault))
		fail_msg("%s=%s gave: %s", name, value, faults.data ? faults.data : "");
	unsetenv(name);
	config_done(trust_settings_table(), &s);
}

static void what_is_wrong_is_said(void **state)
{
	static const char *const uids[] = { "root",       "-1",    "65534",
		                            "4294967295", "1 2 x", " ",
		                            "0x21",       "1;2",   "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17" };

	(void)state;
	faulty("TRUSTED_UIDS", "33", "without TRUSTED_SOCKET");
	faulty("TRUSTED_SOCKET_GROUP", "33", "without TRUSTED_SOCKET");
	faulty("TRUSTED_SOCKET", "x.sock", "absolute path");
	faulty("TRUSTED_SOCKET", "/run/x/", "absolute path");
	setenv("TRUSTED_SOCKET", "/run/x/x.sock", 1);
	for (size_t i = 0; i < ARRAY_SIZE(uids); i++)
		faulty("TRUSTED_UIDS", uids[i], "TRUSTED_UIDS");
	faulty("TRUSTED_SOCKET_GROUP", "no-such-group-here", "TRUSTED_SOCKET_GROUP");
	unsetenv("TRUSTED_SOCKET");
	faulty("TRUSTED_NAMES", "gateway", "without TRUSTED_LISTEN");
	faulty("TRUSTED_LISTEN", "127.0.0.1:0", "needs TRUSTED_CERTIFICATE_FILE");
	faulty("TRUSTED_LISTEN", "127.0.0.1:0", "needs TRUSTED_NAMES");
	faulty("TRUSTED_LISTEN", "localhost:1", "numeric address");
	faulty("TRUSTED_NAMES", "*.example", "TRUSTED_NAMES");
	faulty("TRUSTED_NAMES", " , ", "TRUSTED_NAMES");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_believed_by_default),
		cmocka_unit_test(who_may_connect),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
