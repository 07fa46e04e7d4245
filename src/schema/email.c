/* E-mail addresses. The domain goes through libidn2 (the strict IDNA2008 rules), the local part through
 * libunistring (character classes, normal forms, case folding). Owns nothing that outlives a call; what the libraries
 * allocate is freed before returning. Limits: 64 octets before the @-sign, 254 in all (RFC 5321 section 4.5.3). */
#include "schema/email.h"

#include "base/utf8.h"

#include <errno.h>
#include <idn2.h>
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#define ADDRESS_SIZE_MAX 254
#define LOCAL_SIZE_MAX 64
#define DOMAIN_SIZE_MAX 253
#define LABEL_SIZE_MAX 63
#define MAPPED_SIZE_MAX (2 * ADDRESS_SIZE_MAX) /* a two-byte letter may have a three-byte small one */
#define IDEOGRAPHIC_FULL_STOP 0x3002

struct mailbox {
	struct str local;
	char domain[DOMAIN_SIZE_MAX + 1]; /* lower-case A-labels */
};

static int fail(const char **ret_reason, const char *reason)
{
	*ret_reason = reason;
	return -EINVAL;
}

static bool is_ldh(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* RFC 5322 atext, and RFC 6531's UTF8-non-ascii as far as it can be seen and is no space. */
static bool is_atom_char(uint32_t cp, bool is_first)
{
	const uint32_t visible = UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_P | UC_CATEGORY_MASK_S;

	if (cp < 0x80)
		return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z') || (cp >= '0' && cp <= '9') ||
		       (cp && strchr("!#$%&'*+-/=?^_`{|}~", (int)cp));
	return uc_is_general_category_withtable(cp, is_first ? visible : visible | UC_CATEGORY_MASK_M);
}

static int local_check_dots(struct str local, const char **ret_reason)
{
	if (local.data[0] == '.')
		return fail(ret_reason, "An email address cannot start with a period.");
	if (local.data[local.len - 1] == '.')
		return fail(ret_reason, "An email address cannot have a period immediately before the @-sign.");
	if (memmem(local.data, local.len, "..", 2))
		return fail(ret_reason, "An email address cannot have two periods in a row.");
	return 0;
}

static int local_check(struct str local, const char **ret_reason)
{
	bool is_first = true;
	size_t pos = 0;
	uint32_t cp;
	int r;

	if (local.len == 0)
		return fail(ret_reason, "There must be something before the @-sign.");
	if (local.len > LOCAL_SIZE_MAX)
		return fail(ret_reason, "The email address is too long before the @-sign.");
	r = local_check_dots(local, ret_reason);
	if (r < 0)
		return r;
	while (utf8_next(local, &pos, &cp) == 0) {
		if (cp != '.' && !is_atom_char(cp, is_first))
			return fail(ret_reason, "The email address contains invalid characters before the @-sign.");
		is_first = cp == '.';
	}
	return 0;
}

static int domain_check_typed(struct str domain, const char **ret_reason)
{
	if (domain.len == 0)
		return fail(ret_reason, "There must be something after the @-sign.");
	if (domain.data[0] == '[')
		return fail(ret_reason, "A bracketed IP address after the @-sign is not allowed.");
	if (domain.data[0] == '.')
		return fail(ret_reason, "An email address cannot have a period immediately after the @-sign.");
	if (domain.data[domain.len - 1] == '.')
		return fail(ret_reason, "An email address cannot end with a period.");
	if (memmem(domain.data, domain.len, "..", 2))
		return fail(ret_reason, "An email address cannot have two periods in a row.");
	return 0;
}

static int label_check(struct str label, const char **ret_reason)
{
	if (label.len == 0)
		return fail(ret_reason, "The part after the @-sign is not valid. It has an empty label.");
	if (label.len > LABEL_SIZE_MAX)
		return fail(ret_reason,
		            "The part after the @-sign is not valid. A label is longer than 63 characters.");
	for (size_t i = 0; i < label.len; i++)
		if (!is_ldh(label.data[i]))
			return fail(ret_reason, "The part after the @-sign contains invalid characters.");
	if (label.data[0] == '-' || label.data[label.len - 1] == '-')
		return fail(ret_reason,
		            "The part after the @-sign is not valid. A label starts or ends with a hyphen.");
	/* RFC 5890 section 2.3.1: reserved, but for A-labels. */
	if (label.len >= 4 && label.data[2] == '-' && label.data[3] == '-' && !str_starts(label, STR("xn--")))
		return fail(ret_reason,
		            "The part after the @-sign is not valid. A label has two hyphens in the third place.");
	return 0;
}

/* RFC 3696 section 2: so that an IP address is no domain. */
static bool is_all_digits(struct str s)
{
	return s.len > 0 && strspn(s.data, "0123456789") >= s.len;
}

/* domain: lower-case ASCII, NUL-terminated. */
static int domain_check_ascii(struct str domain, const char **ret_reason)
{
	size_t n = 0;
	struct str label = STR_NULL;

	for (size_t from = 0; from <= domain.len; from += label.len + 1, n++) {
		ptrdiff_t dot = str_index(domain, '.', from);
		int r;

		label = str_slice(domain, from, dot < 0 ? domain.len : (size_t)dot);
		r = label_check(label, ret_reason);
		if (r < 0)
			return r;
	}
	if (n < 2)
		return fail(ret_reason, "The part after the @-sign is not valid. It should have a period.");
	if (is_all_digits(label))
		return fail(ret_reason, "The part after the @-sign is not valid. It should not be an IP address.");
	return 0;
}

/* mapped: NUL-terminated. No UTS #46 here: with its STD3 rules libidn2 drops what it should refuse ("exa mple"). */
static int domain_encode(const char *mapped, char ret[DOMAIN_SIZE_MAX + 1], const char **ret_reason)
{
	uint8_t *ascii = NULL;
	size_t len;
	int r;

	r = idn2_lookup_u8((const uint8_t *)mapped, &ascii, IDN2_NFC_INPUT | IDN2_NO_TR46);
	if (r == IDN2_MALLOC)
		return -ENOMEM;
	if (r == IDN2_TOO_BIG_LABEL || r == IDN2_TOO_BIG_DOMAIN)
		return fail(ret_reason, "The part after the @-sign is not valid. It is too long.");
	if (r != IDN2_OK)
		return fail(ret_reason, "The part after the @-sign is not valid. It is no international domain name.");
	len = strlen((char *)ascii);
	if (len <= DOMAIN_SIZE_MAX)
		memcpy(ret, ascii, len + 1);
	idn2_free(ascii);
	return len <= DOMAIN_SIZE_MAX ? 0 : fail(ret_reason, "The part after the @-sign is not valid. It is too long.");
}

/* RFC 5895 as far as people type it: letters to lower case one by one, the ideographic full stop to a period. */
static void domain_map(struct str typed, char ret[MAPPED_SIZE_MAX + 1])
{
	size_t pos = 0, len = 0;
	uint32_t cp;

	while (utf8_next(typed, &pos, &cp) == 0)
		len += utf8_encode(cp == IDEOGRAPHIC_FULL_STOP ? '.' : uc_tolower(cp), ret + len);
	ret[len] = '\0';
}

static int domain_to_ascii(struct str typed, char ret[DOMAIN_SIZE_MAX + 1], const char **ret_reason)
{
	char mapped[MAPPED_SIZE_MAX + 1];
	bool is_ascii = true;

	domain_map(typed, mapped);
	for (const char *p = mapped; *p; p++)
		is_ascii = is_ascii && !(*p & 0x80);
	if (!is_ascii || strstr(mapped, "xn--"))
		return domain_encode(mapped, ret, ret_reason);
	if (strlen(mapped) > DOMAIN_SIZE_MAX)
		return fail(ret_reason, "The part after the @-sign is not valid. It is too long.");
	memcpy(ret, mapped, strlen(mapped) + 1);
	return 0;
}

static int domain_parse(struct str typed, char ret[DOMAIN_SIZE_MAX + 1], const char **ret_reason)
{
	int r;

	r = domain_check_typed(typed, ret_reason);
	if (r < 0)
		return r;
	r = domain_to_ascii(typed, ret, ret_reason);
	if (r < 0)
		return r;
	return domain_check_ascii(str_from(ret), ret_reason);
}

static int address_check_text(struct str address, const char **ret_reason)
{
	ptrdiff_t at = str_index(address, '@', 0);

	if (address.len > ADDRESS_SIZE_MAX)
		return fail(ret_reason, "The email address is too long.");
	if (!utf8_is_valid(address))
		return fail(ret_reason, "The email address is not valid UTF-8.");
	if (utf8_has_control(address))
		return fail(ret_reason, "The email address contains control characters.");
	if (at < 0)
		return fail(ret_reason, "An email address must have an @-sign.");
	if (str_index(address, '@', (size_t)at + 1) >= 0)
		return fail(ret_reason, "An email address must have exactly one @-sign.");
	return 0;
}

static int mailbox_parse(struct str address, struct mailbox *ret, const char **ret_reason)
{
	size_t at;
	int r;

	r = address_check_text(address, ret_reason);
	if (r < 0)
		return r;
	at = (size_t)str_index(address, '@', 0);
	ret->local = str_slice(address, 0, at);
	r = local_check(ret->local, ret_reason);
	if (r < 0)
		return r;
	r = domain_parse(str_slice(address, at + 1, address.len), ret->domain, ret_reason);
	if (r < 0)
		return r;
	/* An A-label is longer than what was typed. */
	if (ret->local.len + 1 + strlen(ret->domain) > ADDRESS_SIZE_MAX)
		return fail(ret_reason, "The email address is too long.");
	return 0;
}

/* Unicode's canonical caseless match (section 3.13, D145), then NFC. *ret is malloc()ed. */
static int local_fold(struct str local, uint8_t **ret, size_t *ret_len)
{
	size_t nfd_len = 0, len = 0;
	uint8_t *nfd, *folded;

	nfd = u8_normalize(UNINORM_NFD, (const uint8_t *)local.data, local.len, NULL, &nfd_len);
	if (!nfd)
		return -ENOMEM;
	folded = u8_casefold(nfd, nfd_len, NULL, UNINORM_NFC, NULL, &len);
	free(nfd);
	if (!folded)
		return -ENOMEM;
	*ret = folded;
	*ret_len = len;
	return 0;
}

int email_check(struct str address, const char **ret_reason)
{
	struct mailbox mailbox;

	return mailbox_parse(address, &mailbox, ret_reason);
}

int email_canonical(struct str address, struct arena *a, struct str *ret)
{
	const char *reason;
	struct mailbox mailbox;
	uint8_t *local = NULL;
	struct str key;
	size_t len = 0;
	int r;

	r = mailbox_parse(address, &mailbox, &reason);
	if (r < 0)
		return r;
	r = local_fold(mailbox.local, &local, &len);
	if (r < 0)
		return r;
	key = arena_printf(a, "%.*s@%s", (int)len, (const char *)local, mailbox.domain);
	free(local);
	if (str_is_null(key))
		return -ENOMEM;
	*ret = key;
	return 0;
}
