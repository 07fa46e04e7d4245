/* Looks up files that tools/embed.py compiled in. Tables are small, so it just walks. */
#include "base/embed.h"

struct str embedded_find(const struct embedded_file *files, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(files[i].name, name) == 0)
			return files[i].data;
	return STR_NULL;
}
