/* SPDX-License-Identifier: MIT */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

/*
 * What is in the items that the benchmark moves, and the work on them: the same for every
 * transport. An item begins with a head of one cache line; behind it come either a byte that
 * follows from the item's number (produced items), or a prepared source (copied items). The reader
 * sums one word of each cache line: with the number in the head that tells a torn, stale or lost
 * item from a whole one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORK_LINE 64

struct work_head {
    uint64_t sequence; /* 1, 2, 3… of this writer */
    uint64_t writer;
    int64_t stamp_ns; /* just before it was published; 0 if not stamped */
    int64_t due_ns;   /* when it should have been */
    uint64_t sum;     /* of one word of every line behind this one */
    uint64_t unused[3];
};

/* Sources to copy from: random bytes, private memory. */
struct work_sources {
    uint8_t *memory;
    size_t item_size;
    uint32_t count;
    size_t room; /* bytes of memory */
};

/* Makes wanted sources, or fewer, but at least 4, if they would take more than most_bytes. Uses the
 * memory of an earlier call again. False if there is no memory. */
bool work_sources_make(struct work_sources *sources, size_t item_size, uint32_t wanted,
                       uint64_t most_bytes);
void work_sources_free(struct work_sources *sources);

/* Reads all of them once, in the process that will copy them. */
void work_sources_touch(const struct work_sources *sources);

/* A source at random, of those that belong to this writer. *random is the generator's state. */
void *work_source(const struct work_sources *sources, uint32_t writer, uint32_t writers,
                  uint64_t *random);

/* Writes all of an item but the stamp; or only its head, leaving what is behind it as it is. */
void work_produce(void *item, size_t size, uint64_t writer, uint64_t sequence);
void work_number(void *item, uint64_t writer, uint64_t sequence);

uint64_t work_sum(const void *item, size_t size);
bool work_is_whole(const void *item, size_t size);

uint64_t random_next(uint64_t *state);

/* Reads a word of every page. */
void touch_pages(const void *memory, size_t size);

/* memcpy by the C library, or with stores that go past the caches (there may be none: false). */
void copy_cached(void *dst, const void *src, size_t size);
void copy_streamed(void *dst, const void *src, size_t size);
bool can_stream(void);

#endif
