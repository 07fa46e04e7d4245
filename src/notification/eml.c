/* The mail sink of the embedded default: files. The writing runs off the loop. A mail is there entirely or not at all,
 * and survives a power cut once send() has returned (file and folder are synced). */
#include "base/file.h"
#include "fiber/offload.h"
#include "notification/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EML_MAGIC UINT32_C(0x454d4c31)
enum { PATH_SIZE = 1400, AT_ONCE = 4 };

struct eml_sink {
	struct mail_sink sink;
	uint32_t magic;
	char folder[1024];
};

struct eml_write {
	const char *folder;
	const char *part; /* path while it is written */
	const char *path;
	struct str message;
};

static int write_all(int fd, struct str data)
{
	size_t done = 0;

	while (done < data.len) {
		ssize_t n = write(fd, data.data + done, data.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int folder_sync(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* On a pool thread. */
static int eml_work(void *arg)
{
	struct eml_write *w = arg;
	int fd = open(w->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, w->message);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(w->part, w->path) < 0)
		r = -errno;
	if (r == 0)
		r = folder_sync(w->folder);
	else
		unlink(w->part);
	return r;
}

static int eml_send(struct mail_sink *sink, struct str event_id, struct str recipient, struct str message,
                    struct buf *ret_answer)
{
	struct eml_sink *s = CONTAINER_OF(sink, struct eml_sink, sink);
	char part[PATH_SIZE], path[PATH_SIZE];
	struct eml_write w = { .folder = s->folder, .part = part, .path = path, .message = message };
	struct offload job = { .work = eml_work, .arg = &w };
	int r;

	(void)recipient;
	assert(s->magic == EML_MAGIC);
	snprintf(path, sizeof(path), "%s/%.*s.eml", s->folder, STR_ARGS(event_id));
	snprintf(part, sizeof(part), "%s/.%.*s.part", s->folder, STR_ARGS(event_id));
	r = offload_run(&job);
	if (r == 0)
		buf_addf(ret_answer, "written to %s", path);
	else
		buf_addf(ret_answer, "cannot write %s: %s", path, strerror(-r));
	return r;
}

/* On a pool thread. */
static int forget_work(void *arg)
{
	const struct eml_write *w = arg;

	if (unlink(w->path) < 0 && errno != ENOENT)
		return -errno;
	return folder_sync(w->folder);
}

static int eml_forget(struct mail_sink *sink, struct str event_id)
{
	struct eml_sink *s = CONTAINER_OF(sink, struct eml_sink, sink);
	char path[PATH_SIZE];
	struct eml_write w = { .folder = s->folder, .path = path };
	struct offload job = { .work = forget_work, .arg = &w };

	assert(s->magic == EML_MAGIC);
	snprintf(path, sizeof(path), "%s/%.*s.eml", s->folder, STR_ARGS(event_id));
	return offload_run(&job);
}

static void eml_free(struct mail_sink *sink)
{
	struct eml_sink *s = CONTAINER_OF(sink, struct eml_sink, sink);

	assert(s->magic == EML_MAGIC);
	s->magic = 0;
	free(s);
}

int eml_sink_new(const char *folder, struct mail_sink **ret)
{
	struct eml_sink *s;
	int r;

	if (strlen(folder) >= sizeof(s->folder))
		return -ENAMETOOLONG;
	r = file_folder_make(folder);
	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->magic = EML_MAGIC;
	snprintf(s->folder, sizeof(s->folder), "%s", folder);
	s->sink = (struct mail_sink){
		.name = "eml files", .at_once = AT_ONCE, .send = eml_send, .forget = eml_forget, .free = eml_free
	};
	*ret = &s->sink;
	return 0;
}
