/* Files made to hurt: everything ends in words for their owner, within the limits. */
#include "import/test_support.h"

#define RATINGS "Date,Name,Year,Letterboxd URI,Rating\n"

static void refused(struct str content, int error, const char *word)
{
	assert_int_equal(try_read(content), error);
	assert_non_null(reason);
	if (!strstr(reason, word))
		fail_msg("\"%s\" does not say \"%s\"", reason, word);
}

static void test_what_is_none_of_the_formats(void **state)
{
	static const char *const texts[] = { "",
		                             " ",
		                             "\n\n",
		                             "hello",
		                             "Name,Other\n1,2\n",
		                             "[]",
		                             "{}",
		                             "[1,2]",
		                             "[{\"a\":1}]",
		                             "{\"watchlist\":[]}",
		                             "\xff\xfe\x41",
		                             "a,b\n\"",
		                             ",,,\n,,,\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(try_read(str_from(texts[i])), -EINVAL);
		assert_non_null(reason);
	}
	refused(STR("\0\0\0\0"), -EINVAL, "none of what can be imported");
	refused(STR("{\"a\":"), -EINVAL, "JSON");
	refused(STR("{\"format\":\"cinesync-library\",\"version\":2,\"entries\":[]}"), -EINVAL, "version");
	refused(STR("{\"format\":\"cinesync-library\",\"version\":1}"), -EINVAL, "entries");
	refused(STR("\xff\xfe"
	            "D\0a\0t\0e\0"),
	        -EINVAL, "UTF-16");
	refused(STR("PK\x03\x04 and nothing else"), -EINVAL, "damaged");
}

static void test_nul_and_other_bytes(void **state)
{
	(void)state;
	assert_int_equal(try_read(STR(RATINGS "2024-01-03,He\0at\x01\x1b,1995,u,4\n")), 0);
	ROWS("ratings He at 1995 *16 :2");
	assert_int_equal(try_read(STR("[{\"rated_at\":\"x\",\"rating\":8,\"movie\":{\"title\":\"a\\u0000b\"}}]")), 0);
	ROWS("ratings a b *16 :1");
	refused(STR("[{\"rated_at\":\"x\",\"rating\":8,\"movie\":{\"title\":\"\\ud800\"}}]"), -EINVAL, "JSON");
}

static char *repeated(const char *head, const char *row, size_t n)
{
	size_t h = strlen(head), len = strlen(row);
	char *out = malloc(h + n * len + 1);

	assert_non_null(out);
	memcpy(out, head, h);
	for (size_t i = 0; i < n; i++)
		memcpy(out + h + i * len, row, len);
	out[h + n * len] = '\0';
	return out;
}

static void test_open_quotes_cost_their_lines(void **state)
{
	char *open = repeated(RATINGS, "2024-01-03,\"x\n", 20);

	(void)state;
	read_text(RATINGS "2024-01-03,\"Heat,1995,u,4\n2024-01-03,Ran,1985,u,5\n2024-01-03,\"Two\nlines\",1985,u,5\n"
	                  "2024-01-03,\"Up,1995,u,4",
	          IMPORT_LETTERBOXD);
	/* the first of them is closed by the next: what lies between is one title, and its row is none */
	assert_true(file.n_faults >= 1 && file.n_rows >= 1);
	read_text(RATINGS "2024-01-03,Ran,1985,u,5\n2024-01-03,\"Heat,1995,u,4\n2024-01-03,Up,2009,u,3\n",
	          IMPORT_LETTERBOXD);
	ROWS("ratings Ran 1985 *20 :2", "ratings Up 2009 *12 :4");
	assert_int_equal(file.n_faults, 1);
	assert_int_equal(file.faults[0].line, 3);
	/* No quotation mark here is closed by the next: behind that stands no comma. */
	refused(str_from(open), -EINVAL, "never closed");
	free(open);
}

static void test_too_many_rows_and_faults(void **state)
{
	char *many = repeated(RATINGS, "2024-01-03,Heat,1995,u,4\n", 1001),
	     *bad = repeated(RATINGS, "2024-01-03,Heat,1995,u,x\n", 500);

	(void)state;
	refused(str_from(many), -EFBIG, "IMPORT_ROWS_MAX");
	options.rows_max = 1001;
	assert_int_equal(try_read(str_from(many)), 0);
	assert_int_equal(file.n_rows, 1001);
	assert_int_equal(try_read(str_from(bad)), 0);
	assert_int_equal(file.n_faults, IMPORT_FAULTS_MAX);
	assert_int_equal(file.dropped, 400);
	free(many);
	free(bad);
}

static void test_bombs(void **state)
{
	char *zeros = repeated(RATINGS, "\n", 2 << 20);
	const struct packed one[] = { { "ratings.csv", zeros }, { NULL, NULL } };
	struct packed many[IMPORT_ARCHIVE_FILES_MAX + 2], tables[202];
	struct str zip = zip_of(one);

	(void)state;
	assert_true(zip.len < 20000);
	refused(zip, -EFBIG, "Unpacked");
	free((char *)(uintptr_t)zip.data);
	refused(str_from(zeros), -EFBIG, "larger");
	free(zeros);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct packed){ i + 1 < ARRAY_SIZE(many) ? "a.txt" : NULL, "" };
	zip = zip_of(many);
	refused(zip, -EFBIG, "Unpacked");
	free((char *)(uintptr_t)zip.data);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		tables[i] = (struct packed){ i + 1 < ARRAY_SIZE(tables) ? "ratings.csv" : NULL, RATINGS };
	zip = zip_of(tables);
	refused(zip, -EFBIG, "Unpacked");
	free((char *)(uintptr_t)zip.data);
}

static void test_json_that_would_take_much_memory(void **state)
{
	char *lists = repeated("[", "[],", 300000), *deep = repeated("", "[", 50000);

	(void)state;
	refused(str_from(lists), -EFBIG, "split");
	refused(str_from(deep), -EINVAL, "JSON");
	free(lists);
	free(deep);
}

static void test_archives_cut_off_anywhere(void **state)
{
	static const struct packed files[] = { { "ratings.csv", RATINGS "2024-01-03,Heat,1995,u,4\n" },
		                               { "../../etc/watched.csv",
		                                 "Date,Name,Year,Letterboxd URI\n2024-01-03,Heat,1995,u\n" },
		                               { NULL, NULL } };
	struct str zip = zip_of(files);

	(void)state;
	assert_int_equal(try_read(zip), 0); /* a name is only a name */
	assert_int_equal(file.n_rows, 2);
	for (size_t len = 0; len < zip.len; len++) {
		char *cut = malloc(len + 1);

		assert_non_null(cut);
		memcpy(cut, zip.data, len);
		assert_true(try_read((struct str){ cut, len }) <= 0);
		assert_true(reason || file.n_rows > 0);
		free(cut);
	}
	free((char *)(uintptr_t)zip.data);
}

static void test_flipped_bytes_never_break_it(void **state)
{
	static const struct packed files[] = { { "ratings.csv", RATINGS "2024-01-03,Heat,1995,u,4\n" },
		                               { NULL, NULL } };
	struct str zip = zip_of(files);
	char *bytes = (char *)(uintptr_t)zip.data;

	(void)state;
	for (size_t i = 0; i < zip.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			bytes[i] = (char)(bytes[i] ^ (1 << bit));
			assert_true(try_read(zip) <= 0);
			bytes[i] = (char)(bytes[i] ^ (1 << bit));
		}
	}
	free(bytes);
}

static void test_one_line_of_a_megabyte_and_columns_without_end(void **state)
{
	char *title = repeated(RATINGS "2024-01-03,", "x", 500000),
	     *columns = repeated("Name,Year,Letterboxd URI,Rating", ",x", 100000);
	char *whole;

	(void)state;
	assert_true(asprintf(&whole, "%s,1995,u,4\n", title) > 0);
	assert_int_equal(try_read(str_from(whole)), 0);
	assert_int_equal(file.rows[0].title.len, IMPORT_TITLE_MAX);
	assert_int_equal(try_read(str_from(columns)), 0);
	assert_int_equal(file.n_rows, 0);
	free(title);
	free(whole);
	free(columns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_up, arena_down)
		TEST(test_what_is_none_of_the_formats),
		TEST(test_nul_and_other_bytes),
		TEST(test_open_quotes_cost_their_lines),
		TEST(test_too_many_rows_and_faults),
		TEST(test_bombs),
		TEST(test_json_that_would_take_much_memory),
		TEST(test_archives_cut_off_anywhere),
		TEST(test_flipped_bytes_never_break_it),
		TEST(test_one_line_of_a_megabyte_and_columns_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
