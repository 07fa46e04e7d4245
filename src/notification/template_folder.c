/* See template_folder.h. Everything lives in the caller's arena; nothing is kept open. */
#include "notification/template_folder.h"

#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 1000 };

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void folder_close(DIR **d)
{
	if (*d)
		closedir(*d);
}

static struct embedded_file *find(const struct template_set *set, struct str name)
{
	for (size_t i = 0; i < set->n; i++)
		if (str_equal(str_from(set->files[i].name), name))
			return &set->files[i];
	return NULL;
}

/* The file that it replaces, or a new one for "welcome.en.html" where there is a "welcome.en.txt"; NULL: neither. */
static struct embedded_file *place_for(struct template_set *set, struct str name, struct arena *a)
{
	struct embedded_file *file = find(set, name);
	struct str stem = str_slice(name, 0, name.len - MIN(name.len, strlen(".html")));
	struct str text = arena_printf(a, "%.*s.txt", STR_ARGS(stem));

	if (file || !str_ends(name, STR(".html")) || str_is_null(text) || !find(set, text))
		return file;
	file = &set->files[set->n++];
	file->name = arena_str(a, name).data;
	return file->name ? file : NULL;
}

static int file_read(int folder_fd, const char *name, struct arena *a, struct str *ret)
{
	int fd CLEANUP(fd_close) = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;
	char *text;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > TEMPLATE_FILE_SIZE_MAX)
		return -EINVAL;
	text = arena_alloc(a, (size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (len < (size_t)st.st_size && (n = read(fd, text + len, (size_t)st.st_size - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return -errno;
	*ret = (struct str){ text, len };
	return utf8_is_valid(*ret) ? 0 : -EINVAL;
}

static int file_take(struct template_set *set, int folder_fd, struct str name, struct arena *a)
{
	struct embedded_file *file;
	struct str data;
	int r = file_read(folder_fd, name.data, a, &data);

	if (r < 0)
		return r;
	file = place_for(set, name, a);
	if (!file)
		return -EINVAL;
	file->data = data;
	set->n_replaced++;
	return 0;
}

static int folder_take(struct template_set *set, const char *path, struct arena *a, struct str *ret_file)
{
	DIR *folder CLEANUP(folder_close) = opendir(path);
	const struct dirent *entry;
	int r = 0;

	if (!folder)
		return -errno;
	while (r == 0 && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		*ret_file = arena_str(a, str_from(entry->d_name));
		if (str_is_null(*ret_file) || set->n_replaced >= FILES_MAX)
			return -ENOMEM;
		r = file_take(set, dirfd(folder), *ret_file, a);
	}
	return r;
}

int template_set_load(const struct embedded_file *built_in, size_t n, const char *folder, struct arena *a,
                      struct template_set *ret, struct str *ret_file)
{
	struct template_set set = { .n = n };
	int r;

	*ret_file = STR("");
	set.files = arena_array(a, n + FILES_MAX, sizeof(*set.files));
	if (!set.files)
		return -ENOMEM;
	memcpy(set.files, built_in, n * sizeof(*set.files));
	r = folder ? folder_take(&set, folder, a, ret_file) : 0;
	if (r == 0)
		*ret = set;
	return r;
}
