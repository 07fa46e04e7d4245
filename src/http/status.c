/* The words are made when they are first asked for. One thread: the loop's. */
#include "http/status.h"

enum { FIRST = 400, END = 600 };

const char *http_status_word(int status)
{
	static char words[END - FIRST][4];
	char *word;

	if (status < FIRST || status >= END)
		return "_OTHER";
	word = words[status - FIRST];
	word[0] = (char)('0' + status / 100);
	word[1] = (char)('0' + status / 10 % 10);
	word[2] = (char)('0' + status % 10);
	return word;
}
