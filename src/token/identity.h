/* What of a verified token may be handed on in headers, from who verified it to who believes him: whom it names, as
 * what, in which session. Both ends ask this, so that the one says nothing that the other refuses. Pure. */
#ifndef CINESYNC_TOKEN_IDENTITY_H
#define CINESYNC_TOKEN_IDENTITY_H

#include "base/str.h"

#define IDENTITY_SUB_MAX 255 /* bytes */
#define IDENTITY_SID_MAX 128

/* All three are there: ids of letters, digits and -._~:@| alone, a role that exists. A token with others is as good as
 * any; it is handed on itself. */
bool identity_is_sound(struct str sub, struct str role, struct str sid);

#endif
