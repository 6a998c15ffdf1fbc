/* SPDX-License-Identifier: MIT */
#ifndef FRI_BASE_H
#define FRI_BASE_H

/*
 * Floor 0: what every file may use. Arithmetic that C lacks, and the check that stands at the head
 * of public functions.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Rounds up to a power of two. The caller makes sure that the sum fits. */
static inline uint64_t fri_align(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

static inline uint64_t fri_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t fri_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint64_t fri_bit(unsigned index)
{
    return UINT64_C(1) << index;
}

/* Number of the lowest bit set; value is not 0. */
static inline unsigned fri_lowest_bit(uint64_t value)
{
    return (unsigned)__builtin_ctzll(value);
}

static inline uint32_t fri_count_bits(uint64_t value)
{
    return (uint32_t)__builtin_popcountll(value);
}

/* True if [offset, offset + size) lies in [0, total), whatever the numbers are. */
static inline bool fri_inside(uint64_t offset, uint64_t size, uint64_t total)
{
    return offset <= total && size <= total - offset;
}

/*
 * A broken argument is a bug of the caller: it is told which condition failed, and nothing was
 * done. A macro because the sentence quotes the condition.
 */
#define FR_CHECK(condition)                                                                        \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return fri_fail(FR_EINVAL, "%s: it must hold that %s", __func__, #condition);          \
    } while (0)

#endif
