/* SPDX-License-Identifier: MIT */
#ifndef FRI_LOG_H
#define FRI_LOG_H

/* Floor 0: messages for what no return code can say. Never one per frame. */

#include <framering/framering.h>

void fri_log(enum fr_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
