/* SPDX-License-Identifier: MIT */
#ifndef WATCH_H
#define WATCH_H

/*
 * All streams, twice: now and a while ago, and so what they do a second. Nothing is attached to.
 */

#include "look.h"

struct watch {
    struct look_list now;
    struct look_list before;
};

/* What happened between the two looks. Unknown for what was not there at the first one. */
struct rate {
    int is_known;
    double items_per_second;
    double bytes_per_second;
    struct fr_histogram latency; /* member: of the items of that while */
};

/* Looks again; what was now becomes before. 0 or a negative error. */
int watch_update(struct watch *watch);
void watch_free(struct watch *watch);

struct rate watch_stream(const struct watch *watch, const struct look *look);
struct rate watch_member(const struct watch *watch, const struct look *look,
                         const struct fr_member *member);

/* One object with everything, streams and members with their rates; NULL without memory. */
json_t *watch_json(const struct watch *watch);

#endif
