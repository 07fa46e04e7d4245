/* Each format as its site writes it, and what becomes of every line. */
#include "import/test_support.h"

#define DIARY "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
#define REVIEWS "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\n"
#define RATINGS "Date,Name,Year,Letterboxd URI,Rating\n"
#define FILMS "Date,Name,Year,Letterboxd URI\n"

static void test_letterboxd_archive(void **state)
{
	static const struct packed files[] = {
		{ "profile.csv", "Date Joined,Username\n2020-01-01,ada\n" },
		{ "watched.csv",
		  FILMS "2024-01-03,Heat,1995,u\n2024-01-03,Alien,1979,u\n2024-01-03,\"Good, the Bad, The\",1966,u\n" },
		{ "watchlist.csv", FILMS "2024-01-05,Amélie,2001,u\n" },
		{ "ratings.csv", RATINGS "2024-01-03,Heat,1995,u,4.5\n2024-01-03,Alien,1979,u,0.5\n" },
		{ "diary.csv",
		  DIARY "2024-01-03,Heat,1995,u,4.5,,,2024-01-01\n2024-01-04,Heat,1995,u,,Yes,,2024-01-04\n" },
		{ "reviews.csv",
		  REVIEWS "2024-01-03,Heat,1995,u,4.5,,\"Two\nlines\",,2024-01-01\n2024-01-03,Alien,1979,u,,,Old,,\n" },
		{ "likes/films.csv", FILMS "2024-02-29,Heat,1995,u\n" },
		{ "likes/reviews.csv", REVIEWS "2024-02-29,Not mine,1995,u,4,,Hm,,2024-02-29\n" },
		{ "likes/lists.csv", FILMS "2024-02-29,Somebody's,1995,u\n" },
		{ "deleted/diary.csv", DIARY "2024-01-03,Deleted,1995,u,4.5,,,2024-01-01\n" },
		{ "orphaned/diary.csv", DIARY "2024-01-03,Orphaned,1995,u,4.5,,,2024-01-01\n" },
		{ "lists/best.csv",
		  "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n2024-01-03,The Best,,u,\"Of\nall\"\n\n"
		  "Position,Name,Year,URL,Description\n1,Heat,1995,u,Again\n2,Alien,1979,u,\n" },
		{ "lists/none.csv",
		  "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n2024-01-03,Empty,,u,\n\n"
		  "Position,Name,Year,URL,Description\n" },
		{ NULL, NULL },
	};

	(void)state;
	read_zip(files, IMPORT_LETTERBOXD);
	ROWS("favorites Heat 1995 likes/films.csv:2", "ratings Heat 1995 *18 ratings.csv:2",
	     "ratings Alien 1979 *2 ratings.csv:3", "watched Heat 1995 @2024-01-01 'Two\nlines' diary.csv:2",
	     "watched Heat 1995 @2024-01-04 diary.csv:3", "watched Alien 1979 'Old' reviews.csv:4",
	     "watched Good, the Bad, The 1966 watched.csv:4", "watchlist Amélie 2001 watchlist.csv:2",
	     "list Heat 1995 'Again' [The Best] lists/best.csv:7", "list Alien 1979 [The Best] lists/best.csv:8");
	assert_int_equal(file.rows[0].added_at_ms, INT64_C(1709164800000));
	assert_int_equal(file.n_lists, 2);
	assert_true(str_equal(file.lists[0].name, STR("The Best")) &&
	            str_equal(file.lists[0].description, STR("Of\nall")));
	assert_true(str_equal(file.lists[1].name, STR("Empty")) && !file.lists[1].description.data);
	assert_int_equal(file.n_faults, 0);
}

static void test_letterboxd_archive_in_a_folder_without_ratings(void **state)
{
	static const struct packed files[] = {
		{ "letterboxd-ada/diary.csv", DIARY "2024-01-03,Heat,1995,u,4,,,2024-01-01\n" },
		{ "__MACOSX/letterboxd-ada/._diary.csv", "rubbish" },
		{ NULL, NULL },
	};

	(void)state;
	read_zip(files, IMPORT_LETTERBOXD);
	ROWS("ratings Heat 1995 *16 letterboxd-ada/diary.csv:2",
	     "watched Heat 1995 @2024-01-01 letterboxd-ada/diary.csv:2");
}

static void test_letterboxd_files_by_themselves(void **state)
{
	(void)state;
	read_text(DIARY "2024-01-03,Heat,1995,u,4,,,2024-01-01\n", IMPORT_LETTERBOXD);
	ROWS("ratings Heat 1995 *16 :2", "watched Heat 1995 @2024-01-01 :2");
	read_text(REVIEWS "2024-01-03,Heat,1995,u,4,,Fine,,2024-01-01\n", IMPORT_LETTERBOXD);
	ROWS("ratings Heat 1995 *16 :2", "watched Heat 1995 @2024-01-01 'Fine' :2");
	read_text(RATINGS "2024-01-03,Heat,1995,u,5\n", IMPORT_LETTERBOXD);
	ROWS("ratings Heat 1995 *20 :2");
	read_text(FILMS "2024-01-03,Heat,1995,u\n", IMPORT_LETTERBOXD);
	ROWS("watchlist Heat 1995 :2");
	options.undecided = IMPORT_WATCHED;
	read_text(FILMS "2024-01-03,Heat,1995,u\n", IMPORT_LETTERBOXD);
	ROWS("watched Heat 1995 :2");
	options.undecided = IMPORT_FAVORITES;
	read_text("Title,Year\nHeat,1995\n", IMPORT_LETTERBOXD);
	ROWS("favorites Heat 1995 :2");
	read_text("Letterboxd list export "
	          "v7\nDate,Name,Tags,URL,Description\n2024-01-03,,,u,\n\nPosition,Name,Year\n1,Heat,1995\n",
	          IMPORT_LETTERBOXD);
	ROWS("list Heat 1995 [Letterboxd] :6");
}

static void test_csv_made_for_letterboxd(void **state)
{
	(void)state;
	read_text("tmdbID,imdbID,Title,Year,Rating10,WatchedDate,Review\n949,tt0113277,Heat,1995,9,2024-01-01,Fine\n,,"
	          "Alien,,7,,\n"
	          "550,,,,,,\n",
	          IMPORT_LETTERBOXD);
	ROWS("ratings Heat 1995 tmdb 949 tt0113277 *18 :2", "ratings Alien *14 :3",
	     "watched Heat 1995 tmdb 949 tt0113277 @2024-01-01 'Fine' :2", "watched Alien :3", "watched tmdb 550 :4");
	read_text("Title,Year,Rating,WatchedDate\nHeat,1995,\"4,5\",2024-01-01\n", IMPORT_LETTERBOXD);
	ROWS("ratings Heat 1995 *18 :2", "watched Heat 1995 @2024-01-01 :2");
}

static void test_imdb(void **state)
{
	(void)state;
	read_text(
	        "\xef\xbb\xbf"
	        "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,Year\r\n"
	        "tt0113277,9,2024-01-01,Heat,Heat,u,Movie,1995\r\ntt0411008,8,2024-01-01,Lost,Lost,u,TV Series,2004\r\n"
	        "tt0000001,8,2024-01-01,Game,Game,u,videoGame,2004\r\ntt0000002,7,2024-01-02,Short,Short,u,tvShort,"
	        "2004\r\n"
	        "tt0000003,11,2024-01-02,Bad,Bad,u,Movie,2004\r\n",
	        IMPORT_IMDB);
	ROWS("ratings Heat 1995 tt0113277 *18 :2", "ratings Short 2004 tt0000002 *14 :5");
	assert_int_equal(file.skipped, 2);
	assert_int_equal(file.n_faults, 1);
	assert_int_equal(file.faults[0].line, 6);
	read_text("Position,Const,Created,Modified,Description,Title,Title Type,Year,Your Rating,Date Rated\n"
	          "1,tt0113277,2024-01-01,,Must see,Heat,Movie,1995,,\n2,nm0000134,2024-01-01,,,De Niro,,,,\n"
	          "3,tt0078748,2024-01-01,,,Alien,Movie,1979,10,2024-02-01\n",
	          IMPORT_IMDB);
	ROWS("ratings Alien 1979 tt0078748 *20 :4", "watchlist Heat 1995 tt0113277 :2",
	     "watchlist Alien 1979 tt0078748 :4");
	assert_int_equal(file.skipped, 1);
}

static void test_imdb_of_old_times_is_latin_1(void **state)
{
	(void)state;
	read_text("Const,Your Rating,Date Rated,Title,Title Type,Year\ntt0211915,9,2024-01-01,Am\xe9lie \x96 a "
	          "film,Movie,2001\n",
	          IMPORT_IMDB);
	ROWS("ratings Amélie – a film 2001 tt0211915 *18 :2");
}

#define MOVIE(title, year, imdb, tmdb)                                                                            \
	"\"movie\":{\"title\":\"" title "\",\"year\":" year ",\"ids\":{\"trakt\":1,\"slug\":\"x\",\"imdb\":" imdb \
	",\"tmdb\":" tmdb "}}"
#define HEAT MOVIE("Heat", "1995", "\"tt0113277\"", "949")

static void test_trakt(void **state)
{
	(void)state;
	read_text("[{\"id\":1,\"watched_at\":\"2024-01-01T20:00:00.000Z\",\"type\":\"movie\"," HEAT "},"
	          "{\"plays\":3,\"last_watched_at\":\"2024-01-02T20:00:00.000Z\"," MOVIE(
	                  "Alien", "1979", "null",
	                  "null") "},"
	                          "{\"rated_at\":\"2024-01-01T20:00:00.000Z\",\"rating\":8," HEAT "},"
	                          "{\"rank\":1,\"listed_at\":\"2024-01-01T20:00:00.000Z\"," HEAT "},"
	                          "{\"collected_at\":\"2024-01-01T20:00:00.000Z\"," HEAT "},"
	                          "{\"watched_at\":\"2024-01-01T20:00:00.000Z\",\"episode\":{},\"show\":{\"title\":"
	                          "\"Lost\"}},"
	                          "{\"rated_at\":\"2024-01-01T20:00:00.000Z\",\"rating\":11," HEAT "},"
	                          "{\"watched_at\":\"unknown\"," HEAT
	                          "},{\"watched_at\":\"2024-01-01T20:00:00.000Z\",\"movie\":{}}]",
	          IMPORT_TRAKT);
	ROWS("ratings Heat 1995 tmdb 949 tt0113277 *16 :3", "watched Heat 1995 tmdb 949 tt0113277 @2024-01-01 :1",
	     "watched Alien 1979 @2024-01-02 :2", "watchlist Heat 1995 tmdb 949 tt0113277 :4");
	assert_int_equal(file.skipped, 2);
	assert_int_equal(file.n_faults, 3);
	assert_int_equal(file.rows[1].added_at_ms, INT64_C(1704139200000));
}

static void test_trakt_without_days_and_in_other_shapes(void **state)
{
	(void)state;
	read_text("[{\"watched_at\":\"1970-01-01T00:00:00.000Z\"," HEAT
	          "},{\"plays\":2," MOVIE("Alien", "1979", "null", "null") "}]",
	          IMPORT_TRAKT);
	ROWS("watched Heat 1995 tmdb 949 tt0113277 :1", "watched Alien 1979 :2");
	assert_int_equal(file.rows[0].added_at_ms, 0);
	read_text("{\"movies\":[{\"title\":\"Heat\",\"year\":1995,\"ids\":{\"tmdb\":949},\"rating\":8,\"rated_at\":"
	          "\"2024-01-01T20:00:00.000Z\"}],\"shows\":[{\"title\":\"Lost\",\"ids\":{\"tmdb\":1},\"rated_at\":"
	          "\"x\"}]}",
	          IMPORT_TRAKT);
	ROWS("ratings Heat 1995 tmdb 949 *16 :1");
	assert_int_equal(file.skipped, 1);
}

static void test_trakt_archive_and_object(void **state)
{
	static const struct packed files[] = {
		{ "lists-watchlist.json", "[{\"listed_at\":\"2024-01-01T20:00:00.000Z\"," HEAT "}]" },
		{ "lists-favorites.json", "[{\"listed_at\":\"2024-01-01T20:00:00.000Z\"," HEAT "}]" },
		{ "lists/list-12-rainy-sundays.json",
		  "[{\"listed_at\":\"2024-01-01T20:00:00.000Z\",\"notes\":\"Again\"," HEAT "}]" },
		{ "user-profile.json", "{\"username\":\"ada\"}" },
		{ NULL, NULL },
	};

	(void)state;
	read_zip(files, IMPORT_TRAKT);
	ROWS("favorites Heat 1995 tmdb 949 tt0113277 lists-favorites.json:1",
	     "watchlist Heat 1995 tmdb 949 tt0113277 lists-watchlist.json:1",
	     "list Heat 1995 tmdb 949 tt0113277 'Again' [rainy sundays] lists/list-12-rainy-sundays.json:1");
	read_text(" {\"watchlist\":[{\"listed_at\":\"2024-01-01T20:00:00.000Z\"," HEAT "}],\"ratings\":[{\"rated_at\":"
	          "\"2024-01-01T20:00:00.000Z\",\"rating\":1," HEAT "}],\"other\":5}",
	          IMPORT_TRAKT);
	ROWS("ratings Heat 1995 tmdb 949 tt0113277 *2 :1", "watchlist Heat 1995 tmdb 949 tt0113277 :1");
}

static void test_our_own(void **state)
{
	(void)state;
	read_text("{\"format\":\"cinesync-library\",\"version\":1,\"lists\":[{\"name\":\"Best\",\"description\":\"Of "
	          "all\"},{\"name\":\"Empty\"}],"
	          "\"entries\":[{\"collection\":\"list\",\"list\":\"Best\",\"movie_id\":949,\"title\":\"Heat\","
	          "\"year\":1995,\"note\":\"a\\nb\"},"
	          "{\"collection\":\"ratings\",\"movie_id\":949,\"rating\":8.5,\"added_at\":\"2024-02-29T00:00:00."
	          "000Z\"},"
	          "{\"collection\":\"watched\",\"movie_id\":949,\"watched_on\":null},"
	          "{\"collection\":\"watched\",\"movie_id\":949,\"watched_on\":\"2024-02-29\"},"
	          "{\"collection\":\"ratings\",\"movie_id\":949,\"rating\":8.3},{\"collection\":\"nothing\",\"movie_"
	          "id\":949},"
	          "{\"collection\":\"watched\",\"movie_id\":949,\"watched_on\":\"29/02/"
	          "2024\"},{\"collection\":\"list\",\"movie_id\":1},"
	          "{\"collection\":\"favorites\"},7]}",
	          IMPORT_CINESYNC);
	ROWS("ratings tmdb 949 *17 :2", "watched tmdb 949 @2024-02-29 :4", "watched tmdb 949 :3",
	     "list Heat 1995 tmdb 949 'a\nb' [Best] :1");
	assert_int_equal(file.n_lists, 2);
	assert_int_equal(file.n_faults, 6);
	assert_int_equal(file.rows[0].added_at_ms, INT64_C(1709164800000));
	read_text("collection,list,movie_id,title,year,rating,watched_on,note,added_at\r\nratings,,949,Heat,1995,8.5,,,"
	          "\r\n"
	          "list,\"Best, really\",949,Heat,1995,,,\"say \"\"yes\"\"\r\ntwice\",2024-02-29T00:00:00.000Z\r\n",
	          IMPORT_CINESYNC);
	ROWS("ratings Heat 1995 tmdb 949 *17 :2", "list Heat 1995 tmdb 949 'say \"yes\"\ntwice' [Best, really] :3");
}

static void test_tables_as_people_save_them(void **state)
{
	(void)state;
	/* by a spreadsheet, with semicolons, in other letters, with lines left empty */
	read_text("date;NAME;year;letterboxd uri;rating\r\n\r\n;;;;\r\n2024-01-03; Heat ;1995;u;4\r\n",
	          IMPORT_LETTERBOXD);
	ROWS("ratings Heat 1995 *16 :4");
	read_text("Date\tName\tYear\tLetterboxd URI\tRating\n2024-01-03\tHeat\t20O3\tu\t4", IMPORT_LETTERBOXD);
	ROWS("ratings Heat *16 :2");
	/* by systems of long ago, and by those that say what parts the fields */
	read_text("Date,Name,Year,Letterboxd URI,Rating\r2024-01-03,Heat,1995,u,4\r2024-01-03,Ran,1985,u,5\r",
	          IMPORT_LETTERBOXD);
	ROWS("ratings Heat 1995 *16 :2", "ratings Ran 1985 *20 :3");
	read_text("sep=;\nDate;Name;Year;Letterboxd URI;Rating\n2024-01-03;Heat;1995;u;4\n", IMPORT_LETTERBOXD);
	ROWS("ratings Heat 1995 *16 :3");
	/* columns in another order, one twice, more and fewer of them; quotation marks within */
	read_text("Rating,Nonsense,Letterboxd URI,Name,Name,Year\n4,x,u,\"The \"\"Real\"\" Thing\",No,1985,more,and "
	          "more\n5,,u,Up\n",
	          IMPORT_LETTERBOXD);
	ROWS("ratings The \"Real\" Thing 1985 *16 :2", "ratings Up *20 :3");
}

static void test_what_cannot_be_read_costs_only_itself(void **state)
{
	(void)state;
	read_text(
	        RATINGS
	        "2024-01-03,Heat,1995,u,4\n2024-01-03,Alien,1979,u,eleven\n2024-01-03,,,,4\n2024-01-03,Alien,1979,u,\n"
	        "2024-01-03,Alien,1979,u,0\n2024-01-03,Alien,1979,u,4.3\nx,Alien,1979,u,4\n",
	        IMPORT_LETTERBOXD);
	ROWS("ratings Heat 1995 *16 :2", "ratings Alien 1979 *16 :8");
	assert_int_equal(file.n_faults, 5);
	for (size_t i = 0; i < file.n_faults; i++)
		assert_int_equal(file.faults[i].line, (int64_t)i + 3);
	read_text(DIARY "2024-01-03,Heat,1995,u,,,,31/12/2020\n2024-01-03,Heat,1995,u,,,,2023-02-29\n",
	          IMPORT_LETTERBOXD);
	assert_int_equal(file.n_rows, 0);
	assert_int_equal(file.n_faults, 2);
	/* a day that is none takes nothing from the rating */
	read_text(DIARY "2024-01-03,Heat,1995,u,4,,,yesterday\n", IMPORT_LETTERBOXD);
	ROWS("ratings Heat 1995 *16 :2");
	read_text("Const,You rated,Title,Year\ntt0113277,9,Heat,1995\n", IMPORT_IMDB); /* until about 2017 */
	ROWS("ratings Heat 1995 tt0113277 *18 :2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_up, arena_down)
		TEST(test_letterboxd_archive),
		TEST(test_letterboxd_archive_in_a_folder_without_ratings),
		TEST(test_letterboxd_files_by_themselves),
		TEST(test_csv_made_for_letterboxd),
		TEST(test_imdb),
		TEST(test_imdb_of_old_times_is_latin_1),
		TEST(test_trakt),
		TEST(test_trakt_without_days_and_in_other_shapes),
		TEST(test_trakt_archive_and_object),
		TEST(test_our_own),
		TEST(test_tables_as_people_save_them),
		TEST(test_what_cannot_be_read_costs_only_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
