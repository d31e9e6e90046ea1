/* SPDX-License-Identifier: MIT */
/*
 * The connection to a daemon: HTTP over its Unix socket, by libcurl, without proxy, redirect or
 * any host but this one. A line on stderr says that it waits when an answer takes longer than a
 * second and stderr is a terminal.
 */
#ifndef MEMTEND_CLI_CLIENT_H
#define MEMTEND_CLI_CLIENT_H

#include "answer.h"
#include "place.h"
#include "request.h"

#include <curl/curl.h>

#define CLIENT_ANSWER_LIMIT (32U << 20) /* bytes; 64 series of 2,000 points are about 5 MiB */

struct client {
    CURL *curl;
    struct place place;
    char socket[PLACE_SOCKET_SIZE];
};

/* Find a daemon. On failure says what was tried and what to do. */
enum exit_code client_open(const struct invocation *invocation, struct client *ret_client);
/* The same, silently: for commands that work without a daemon. */
enum exit_code client_open_quietly(const struct invocation *invocation, struct client *ret_client);
void client_finish(struct client *client); /* safe on a zeroed one */

/* Any HTTP status is an answer; failures of the transport are told and end as exit code. */
enum exit_code client_send(struct client *client, struct request *request,
                           struct answer *ret_answer);
/* client_send and answer_judge. */
enum exit_code client_ask(struct client *client, struct request *request,
                          struct answer *ret_answer);
/* GET without a query. */
enum exit_code client_get(struct client *client, const char *path, struct answer *ret_answer);

#endif
