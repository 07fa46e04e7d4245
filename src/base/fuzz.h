/* For fuzz targets alone: what libFuzzer calls, and without it (LIBFUZZER is not defined) a main() that tries the files
 * named, as the unit tests do with what fuzzing begins with. */
#ifndef CINESYNC_BASE_FUZZ_H
#define CINESYNC_BASE_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is promised holds. */
static inline void must(bool holds)
{
	if (!holds)
		abort();
}

#ifndef LIBFUZZER
static inline bool fuzz_try(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "rbe");
	size_t size;

	if (!file) {
		perror(path);
		return false;
	}
	size = fread(data, 1, sizeof(data), file);
	(void)fclose(file);
	return LLVMFuzzerTestOneInput(data, size) == 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!fuzz_try(argv[i]))
			return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
#endif

#endif
