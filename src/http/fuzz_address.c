/* A fuzz target: any bytes as an address, as an element of X-Forwarded-For, as a list of networks, and as the whole of
 * X-Forwarded-For. What is read comes back the same from its own text, a list has each of its networks, and a client
 * is the peer or somebody the header names. As an ordinary program it tries the files named. */
#include "http/address.h"

#include "base/fuzz.h"

#include <errno.h>

static void address_check(const struct address *a)
{
	char text[ADDRESS_TEXT_SIZE];
	struct address again, masked = *a;

	address_format(a, text);
	must(address_parse(str_from(text), &again) == 0 && address_equal(a, &again));
	must(address_parse_forwarded(str_from(text), &again) == 0 && address_equal(a, &again));
	address_mask(&masked, a->is_v6 ? 128 : 32);
	must(address_equal(&masked, a));
}

static void list_check(struct str input)
{
	struct address_list l;
	struct str wrong = STR_NULL;
	int r = address_list_parse(input, &l, &wrong);

	if (r == -EINVAL)
		must(wrong.data >= input.data && wrong.data + wrong.len <= input.data + input.len);
	if (r < 0)
		return;
	must(l.n <= ADDRESS_NETS_MAX);
	for (size_t i = 0; i < l.n; i++) {
		address_check(&l.nets[i].base);
		must(address_list_has(&l, &l.nets[i].base));
	}
}

static bool names(struct str forwarded, const struct address *a)
{
	size_t from = 0;

	while (from <= forwarded.len) {
		ptrdiff_t comma = str_index(forwarded, ',', from);
		size_t to = comma < 0 ? forwarded.len : (size_t)comma;
		struct address one;

		if (address_parse_forwarded(str_slice(forwarded, from, to), &one) == 0 && address_equal(&one, a))
			return true;
		from = to + 1;
	}
	return false;
}

static void client_check(struct str forwarded)
{
	static const struct address peers[] = { { .bytes = { 10, 0, 0, 1 } }, { .is_v6 = true, .bytes = { 0xfd } } };
	struct address_list trusted;
	struct str wrong;

	must(address_list_parse(STR("10.0.0.0/8 192.168.0.0/16 fd00::/8"), &trusted, &wrong) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		struct address client = address_of_client(&peers[i], forwarded, &trusted);

		must(address_equal(&client, &peers[i]) || names(forwarded, &client));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = { (const char *)data, size };
	struct address a;

	if (size == 0)
		return 0;
	if (address_parse(input, &a) == 0)
		address_check(&a);
	if (address_parse_forwarded(input, &a) == 0)
		address_check(&a);
	list_check(input);
	client_check(input);
	return 0;
}
