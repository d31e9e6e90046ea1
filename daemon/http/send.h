/* SPDX-License-Identifier: MIT */
/*
 * A reply on its way into the HTTP library, with the headers that every answer carries. The http
 * thread.
 */
#ifndef MEMTEND_HTTP_SEND_H
#define MEMTEND_HTTP_SEND_H

#include "http/reply.h"

#include <microhttpd.h>

/* Takes the body out of the reply. MHD_NO closes the connection. */
enum MHD_Result send_reply(struct MHD_Connection *connection, struct reply *reply);
/* Free what was prepared for an asset. */
void send_forget(struct asset *asset);

#endif
