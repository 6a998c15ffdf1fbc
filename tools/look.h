/* SPDX-License-Identifier: MIT */
#ifndef LOOK_H
#define LOOK_H

/*
 * Streams as one sees them from outside: everything is read from the shared memory without attaching
 * to it, so looking costs a stream nothing, and nobody notices. What was read is a moment's state;
 * between two calls anything may have happened.
 */

#include <framering/framering.h>
#include <jansson.h>

#define LOOK_NAME_SIZE 80 /* UID:NAME and its end */

struct look {
    char name[LOOK_NAME_SIZE];
    int error;           /* of fr_inspect; the rest is empty then */
    int64_t time_ns;     /* when this was read, fr_now_ns clock */
    struct fr_info info; /* .size is 0 after an error */
    struct fr_member *member;
    size_t members;
};

struct look_list {
    struct look *look;
    size_t count;
};

/* Reads one name. 0, or the error of fr_inspect, which stands in the look, too; free it either way. */
int look_read(const char *name, struct look *out);
void look_free(struct look *look);

/* Reads all names of this machine, in the order of the alphabet. 0 or a negative error. */
int look_read_all(struct look_list *out);
void look_list_free(struct look_list *list);

/* "live", "closed" or "dead"; "unreadable" after an error. */
const char *look_state(const struct look *look);

/* "ring", "queue" (a ring of that delivery), "region" or "array"; "?" after an error. */
const char *look_kind(const struct look *look);

/* "block", "drop-oldest" or "drop-newest". */
const char *look_policy(enum fr_overflow policy);

/* The bytes of the newest frame's picture without any padding; 0 if there is no frame. */
uint64_t look_frame_bytes(const struct fr_info *info);

/* Everything as an object, members included if asked for; NULL without memory. */
json_t *look_json(const struct look *look, int with_members);

/* The same for one member of the look. */
json_t *look_member_json(const struct look *look, const struct fr_member *member);

#endif
