/* data/catalog.tsv as the build compiled it in (tools/embed.py). */
#ifndef CINESYNC_MOVIE_CATALOGUE_DATA_H
#define CINESYNC_MOVIE_CATALOGUE_DATA_H

#include "base/embed.h"

extern const struct embedded_file catalogue_data[];
extern const size_t catalogue_data_n;

#endif
