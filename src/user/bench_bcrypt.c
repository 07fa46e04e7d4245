/* The raw rate of bcrypt on this machine: what bench/login.py compares log-ins with.
 *
 * usage: bench_bcrypt COST THREADS SECONDS     prints hashes a second, all threads together */
#include <crypt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 64 };

static char setting[CRYPT_GENSALT_OUTPUT_SIZE];
static atomic_bool is_over;

static void *hash_on(void *arg)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	long *hashes = arg;

	if (!data)
		abort();
	while (!atomic_load(&is_over)) {
		const char *out =
		        crypt_rn("4f1G0yXb0Yk0Q8xkZ3mJt1l4yqk7o9bq0c2v5n8m1x4=", setting, data, sizeof(*data));

		if (!out || out[0] != '$')
			abort();
		(*hashes)++;
	}
	free(data);
	return NULL;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	long hashes[THREADS_MAX][16] = { 0 }; /* one to a cache line */
	long sum = 0;
	double begin;
	int n, cost;

	if (argc != 4 || (cost = (int)strtol(argv[1], NULL, 10)) < 4 || cost > 20 ||
	    (n = (int)strtol(argv[2], NULL, 10)) < 1 || n > THREADS_MAX) {
		fprintf(stderr, "usage: bench_bcrypt COST THREADS SECONDS\n");
		return 64;
	}
	if (!crypt_gensalt_rn("$2b$", (unsigned long)cost, "0123456789abcdef", 16, setting, sizeof(setting)))
		return 1;
	begin = now_s();
	for (int i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, hash_on, hashes[i]) != 0)
			return 1;
	nanosleep(&(struct timespec){ .tv_sec = strtol(argv[3], NULL, 10) }, NULL);
	atomic_store(&is_over, true);
	for (int i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		sum += hashes[i][0];
	}
	printf("%.3f\n", (double)sum / (now_s() - begin));
	return 0;
}
