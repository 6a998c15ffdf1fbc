/* SPDX-License-Identifier: MIT */
/*
 * Put before every file by analyze.sh: what the analyzers, which see one file at a time, cannot know.
 * fri_fail returns the code that it is given. Without this they follow paths on which something has
 * failed with 0, and find memory that was never set there.
 */
#ifndef ANALYZE_H
#define ANALYZE_H

#define _GNU_SOURCE /* some files ask for it, and it only counts before the first header */

#include "../lib/src/error.h"

static inline int analyze_code(int code)
{
    return code;
}

#define fri_fail(code, ...) (fri_fail((code), __VA_ARGS__), analyze_code(code))

#endif
