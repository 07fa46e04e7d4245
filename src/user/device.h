/* Devices: what a User-Agent is called in a list that people read, and how a device that has logged in before is known
 * again (OWASP device cookies): by a token that only we can make, worth nothing without the password. */
#ifndef CINESYNC_USER_DEVICE_H
#define CINESYNC_USER_DEVICE_H

#include "user/user.h"

#define DEVICE_NAME_SIZE 64
#define DEVICE_ID_SIZE 33    /* 32 hexadecimal digits and the NUL */
#define DEVICE_TOKEN_SIZE 65 /* 64 characters of base64url and the NUL */

/* "Firefox on Linux"; "Unknown device" when nothing is recognised. Does not yield. */
void device_name(struct str user_agent, char ret[DEVICE_NAME_SIZE]);

/* The device's id when the token is one we made for that user, else "". user_id null: nobody's, the same work. Does not
 * yield. */
void device_recognise(const struct user_state *u, struct str token, struct str user_id, char ret[DEVICE_ID_SIZE]);
/* A token for the device with that id; "": a new device, whose id is made here. -ENOMEM. Does not yield. */
int device_token_make(const struct user_state *u, struct str user_id, const char *id,
                      char ret[DEVICE_TOKEN_SIZE]) MUST_CHECK;

#endif
