/* SPDX-License-Identifier: MIT */
#ifndef FRI_ERROR_H
#define FRI_ERROR_H

/* Floor 0: failing with a code and a sentence. */

#include <framering/framering.h>

/*
 * Remembers the sentence for fr_error_detail of this thread and returns code, so that a failure is
 * one statement: return fri_fail(FR_ENOENT, "no stream named %s", name);
 */
int fri_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
