/* SPDX-License-Identifier: MIT */
#ifndef WORDS_H
#define WORDS_H

/*
 * Numbers as people read them, in few characters. Each function fills the caller's buffer and
 * returns it, so that it can stand among the arguments of printf.
 */

#include <framering/framering.h>

#define WORDS_SIZE 48

/* "812ns", "3.1us", "16.7ms", "2.5s", "3h02m"; "-" for 0 and below. */
const char *words_duration(int64_t ns, char text[WORDS_SIZE]);

/* "66.4 MB", by powers of 1000. */
const char *words_bytes(uint64_t bytes, char text[WORDS_SIZE]);

/* "0" to "99999", then "123k", "4567M"… */
const char *words_count(uint64_t count, char text[WORDS_SIZE]);

/* "1920x1080 bgra", or "-" if no frame is to be seen. */
const char *words_picture(const struct fr_info *info, char text[WORDS_SIZE]);

#endif
