/* SPDX-License-Identifier: MIT */

/*
 * See audience.h. What cannot be told counts as the safe answer: somebody watches, somebody writes.
 */

#include "audience.h"

#define LOOK_NS FR_MS(100)

int audience_is_watching(struct audience *audience, const char *name)
{
    int64_t now_ns = fr_now_ns();
    if (audience->looked_ns != 0 && now_ns - audience->looked_ns < LOOK_NS)
        return audience->is_watching;
    struct fr_info info = fr_info();
    audience->looked_ns = now_ns;
    audience->is_watching = fr_inspect(name, &info) < 0 || info.readers > 0 || info.observers;
    return audience->is_watching;
}

int audience_writes_nothing(const char *name, uint64_t published)
{
    struct fr_info info = fr_info();
    return fr_inspect(name, &info) == 0 && info.writers == 1 && info.published == published;
}
