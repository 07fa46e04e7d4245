/* URLs of images: base, size, path. A set of them is one piece of the arena, since an answer may have a thousand.
 * Never yields. */
#include "movie/tmdb_image.h"

#include "movie/tmdb_messages.h"

#include <errno.h>

#define SIZES 4 /* in each set */

/* A set is filled as four strings in a row. */
static_assert(sizeof(struct movie_poster) == SIZES * sizeof(struct str), "a poster is four URLs");
static_assert(sizeof(struct movie_backdrop) == SIZES * sizeof(struct str), "a backdrop is four URLs");
static_assert(sizeof(struct movie_profile) == SIZES * sizeof(struct str), "a profile is four URLs");
static_assert(sizeof(struct movie_logo) == SIZES * sizeof(struct str), "a logo is four URLs");

static bool is_path(struct str path)
{
	if (path.len < 2 || path.len > TMDB_PATH_MAX || path.data[0] != '/')
		return false;
	for (size_t i = 1; i < path.len; i++) {
		char c = path.data[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!is_plain && c != '.' && c != '-' && c != '_' && c != '/')
			return false;
	}
	return true;
}

void tmdb_path_check(struct str *path)
{
	if (!is_path(*path))
		*path = STR_NULL;
}

/* Writes one URL and its NUL; gives what is behind. */
static char *url_write(char *out, struct str base, struct str size, struct str path, struct str *ret)
{
	*ret = (struct str){ out, base.len + size.len + path.len };
	memcpy(out, base.data, base.len);
	memcpy(out + base.len, size.data, size.len);
	memcpy(out + base.len + size.len, path.data, path.len);
	out[ret->len] = '\0';
	return out + ret->len + 1;
}

/* NULL in *ret: there is no image. */
static int set_new(struct str base, const struct str sizes[SIZES], struct str *path, struct arena *a, void **ret)
{
	size_t room = SIZES * (sizeof(struct str) + base.len + path->len + 1);
	struct str *urls;
	char *text;

	tmdb_path_check(path);
	if (str_is_null(*path)) {
		*ret = NULL;
		return 0;
	}
	for (size_t i = 0; i < SIZES; i++)
		room += sizes[i].len;
	urls = arena_alloc(a, room);
	if (!urls)
		return -ENOMEM;
	text = (char *)(urls + SIZES);
	for (size_t i = 0; i < SIZES; i++)
		text = url_write(text, base, sizes[i], *path, &urls[i]);
	*ret = urls;
	return 0;
}

int tmdb_poster(struct str base, struct str *path, struct arena *a, struct movie_poster **ret)
{
	const struct str sizes[] = { STR("w185"), STR("w342"), STR("w500"), STR("original") };
	void *set = NULL;
	int r = set_new(base, sizes, path, a, &set);

	if (r == 0)
		*ret = set;
	return r;
}

int tmdb_backdrop(struct str base, struct str *path, struct arena *a, struct movie_backdrop **ret)
{
	const struct str sizes[] = { STR("w300"), STR("w780"), STR("w1280"), STR("original") };
	void *set = NULL;
	int r = set_new(base, sizes, path, a, &set);

	if (r == 0)
		*ret = set;
	return r;
}

int tmdb_profile(struct str base, struct str *path, struct arena *a, struct movie_profile **ret)
{
	const struct str sizes[] = { STR("w45"), STR("w185"), STR("h632"), STR("original") };
	void *set = NULL;
	int r = set_new(base, sizes, path, a, &set);

	if (r == 0)
		*ret = set;
	return r;
}

int tmdb_logo(struct str base, struct str *path, struct arena *a, struct movie_logo **ret)
{
	const struct str sizes[] = { STR("w45"), STR("w92"), STR("w185"), STR("original") };
	void *set = NULL;
	int r = set_new(base, sizes, path, a, &set);

	if (r == 0)
		*ret = set;
	return r;
}

int tmdb_original(struct str base, struct str path, struct arena *a, struct str *ret)
{
	const struct str size = STR("original");
	char *text;

	if (!is_path(path)) {
		*ret = STR_NULL;
		return 0;
	}
	text = arena_alloc(a, base.len + size.len + path.len + 1);
	if (!text)
		return -ENOMEM;
	url_write(text, base, size, path, ret);
	return 0;
}
