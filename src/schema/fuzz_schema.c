/* A fuzz target: any bytes as the JSON of the sample message. As an ordinary program it tries the files named; with
 * clang -fsanitize=fuzzer -DLIBFUZZER it is libFuzzer's. Aborts when the property breaks. */
#include "schema/sample.h"

#include "base/fuzz.h"

#define ARENA_SIZE_MAX (64u << 20)

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
