/* A fuzz target: any bytes as the JSON of the sample message. As an ordinary program it tries the files named; with
 * clang -fsanitize=fuzzer -DLIBFUZZER it is libFuzzer's. Aborts when the property breaks. */
#include "schema/sample.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_SIZE_MAX (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a CLEANUP(arena_free) = NULL;
	bool is_taken;

	if (arena_new(ARENA_SIZE_MAX, &a) < 0)
		return 0;
	if (!sample_holds((struct str){ (const char *)data, size }, a, &is_taken))
		abort();
	return 0;
}

#ifndef LIBFUZZER
static int try_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	return LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= try_file(argv[i]);
	return failed;
}
#endif
