/* Statuses as words. */
#ifndef CINESYNC_HTTP_STATUS_H
#define CINESYNC_HTTP_STATUS_H

/* "404" for 404, static, as error.type wants it; "_OTHER" for what is not 400..599. */
const char *http_status_word(int status);

#endif
