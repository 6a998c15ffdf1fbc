/* SPDX-License-Identifier: MIT */
#ifndef FRI_NAME_H
#define FRI_NAME_H

/* Floor 2: names of objects, and waiting for one to appear. */

#include "platform.h"

/* Room for the longest valid name with its user. */
#define FRI_NAME_SIZE 80

/* True if name is one that CONVENTIONS in framering.h allows; else sets the error detail. */
bool fri_name_is_valid(const char *name);

/* 0 if an object may be created so: under a valid name, or, without one (NULL), also sealed. */
int fri_name_check_new(const char *name, bool sealed);

/* Whose object a valid name means, the caller's or that of UID:NAME; and where it is. */
uint32_t fri_name_user(const char *name);
void fri_name_path(const char *name, char path[FRI_PATH_SIZE]);

/*
 * Waits for names without polling: begin; look; while nothing was there and step says so, look
 * again; end. A name that appears between a look and the step ends the step at once.
 */
struct fri_name_wait {
    struct fri_watch watch;
    int64_t deadline_ns;
};

void fri_name_wait_begin(struct fri_name_wait *wait, int64_t timeout_ns);

/* Sleeps until a name came or went. False when the time is over. */
bool fri_name_wait_step(struct fri_name_wait *wait);

void fri_name_wait_end(struct fri_name_wait *wait);

#endif
