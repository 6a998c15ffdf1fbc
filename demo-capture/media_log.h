/* SPDX-License-Identifier: MIT */
#ifndef MEDIA_LOG_H
#define MEDIA_LOG_H

/*
 * What FFmpeg complains of. Its lines are many and mean little to people, but the first one often
 * tells why something failed when the code that it returned says only "invalid argument". So they
 * are not printed, and the first is kept.
 */

#include <stddef.h>

/* From now on FFmpeg says nothing by itself. */
void media_log_begin(void);

/* Forgets what was said so far. */
void media_log_forget(void);

/* The first complaint since then, without its end of line; "" if there was none. */
void media_log_first(char *text, size_t size);

#endif
