/* Language tags: the syntax of BCP 47 (RFC 5646 section 2.1). */
#ifndef CINESYNC_SCHEMA_LANGTAG_H
#define CINESYNC_SCHEMA_LANGTAG_H

#include "base/str.h"

/* Well-formed: "en", "pt-BR", "zh-Hant-TW", "de-1996", "x-klingon". Case-blind, as the RFC has it. Whether the subtags
 * are registered is not looked at; the irregular grandfathered tags ("i-default") are refused. */
bool langtag_is_well_formed(struct str tag);

#endif
