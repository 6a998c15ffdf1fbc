/* SPDX-License-Identifier: MIT */
#ifndef FRI_COPY_H
#define FRI_COPY_H

/*
 * Floor 0: copying into memory that another processor reads next. A copy that goes around the caches
 * does not fetch the lines that it overwrites from the one that read them last, which takes longer
 * than the copy itself: tests/bench/NOTES.md has the numbers.
 */

#include <stdbool.h>
#include <stddef.h>

/* Whether so many bytes in all are worth it. */
bool fri_copy_is_large(size_t size);

/*
 * Copies around the caches, as far as the processor can. Call fri_copy_finish before anybody is told
 * of the bytes: such stores keep no order with others.
 */
void fri_copy_streamed(void *dst, const void *src, size_t size);
void fri_copy_finish(void);

/* One piece, in the way that suits its size, and finished. */
void fri_copy_in(void *dst, const void *src, size_t size);

#endif
