/* SPDX-License-Identifier: MIT */
#ifndef FRI_POINT_H
#define FRI_POINT_H

/*
 * Floor 0: named points between the steps that others can see. In the testing build a test may
 * put a hook there that kills, stops or delays the process; in the product nothing is left of them.
 */

#ifdef FR_TESTING

typedef void (*fri_point_fn)(const char *name);

extern fri_point_fn fri_point_hook;

static inline void fri_point(const char *name)
{
    if (fri_point_hook)
        fri_point_hook(name);
}

#define FR_POINT(name) fri_point(name)

#else

#define FR_POINT(name) ((void)0)

#endif

#endif
