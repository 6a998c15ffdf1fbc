/* SPDX-License-Identifier: MIT */
/* What is in the items of the benchmark: see work.h. */
#define _GNU_SOURCE
#include "work.h"

#include <string.h>
#include <sys/mman.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LEAST_SOURCES 4
#define PAGE 4096
#define HUGE_PAGE ((size_t)2 << 20)

_Static_assert(sizeof(struct work_head) == WORK_LINE, "the head is one cache line");

uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x;
}

static uint64_t word_at(const void *item, size_t offset)
{
    uint64_t word;

    memcpy(&word, (const char *)item + offset, sizeof word);
    return word;
}

uint64_t work_sum(const void *item, size_t size)
{
    uint64_t sum = 0;

    for (size_t offset = WORK_LINE; offset < size; offset += WORK_LINE)
        sum += word_at(item, offset);
    return sum;
}

bool work_is_whole(const void *item, size_t size)
{
    const struct work_head *head = item;

    return work_sum(item, size) == head->sum;
}

void work_number(void *item, uint64_t writer, uint64_t sequence)
{
    struct work_head *head = item;

    head->writer = writer;
    head->sequence = sequence;
}

void work_produce(void *item, size_t size, uint64_t writer, uint64_t sequence)
{
    const uint8_t byte = (uint8_t)(1 + (sequence + 31 * writer) % 251);
    struct work_head *head = item;

    memset((char *)item + WORK_LINE, byte, size - WORK_LINE);
    work_number(item, writer, sequence);
    head->sum = (size / WORK_LINE - 1) * (byte * UINT64_C(0x0101010101010101));
}

void touch_pages(const void *memory, size_t size)
{
    const volatile uint8_t *bytes = memory;

    for (size_t offset = 0; offset < size; offset += PAGE)
        (void)bytes[offset];
}

/* Random words in every line, which is what is read; the rest need not differ. */
static void fill_randomly(uint8_t *memory, size_t size)
{
    uint64_t state = UINT64_C(88172645463325252);

    memset(memory, 0x5a, size);
    for (size_t offset = 0; offset + 8 <= size; offset += WORK_LINE) {
        const uint64_t word = random_next(&state);

        memcpy(memory + offset, &word, sizeof word);
    }
}

static bool make_room(struct work_sources *sources, size_t size)
{
    if (size <= sources->room)
        return true;
    work_sources_free(sources);
    size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    madvise(memory, size, MADV_HUGEPAGE); /* less to be done in each new process; may be refused */
    sources->memory = memory;
    sources->room = size;
    fill_randomly(memory, size);
    return true;
}

bool work_sources_make(struct work_sources *sources, size_t item_size, uint32_t wanted,
                       uint64_t most_bytes)
{
    uint64_t count = most_bytes / item_size;

    count = count < wanted ? count : wanted;
    count = count < LEAST_SOURCES ? LEAST_SOURCES : count;
    if (!make_room(sources, count * item_size))
        return false;
    sources->item_size = item_size;
    sources->count = (uint32_t)count;
    for (uint64_t i = 0; i < count; i++) {
        uint8_t *item = sources->memory + i * item_size;
        const struct work_head head = { .sum = work_sum(item, item_size) };

        memcpy(item, &head, sizeof head);
    }
    return true;
}

void work_sources_free(struct work_sources *sources)
{
    if (sources->memory != NULL)
        munmap(sources->memory, sources->room);
    *sources = (struct work_sources){ 0 };
}

void *work_source(const struct work_sources *sources, uint32_t writer, uint32_t writers,
                  uint64_t *random)
{
    const uint64_t own = sources->count / writers;
    const uint64_t index = random_next(random) % own * writers + writer;

    return sources->memory + index * sources->item_size;
}

void work_sources_touch(const struct work_sources *sources)
{
    touch_pages(sources->memory, sources->count * sources->item_size);
}

void copy_cached(void *dst, const void *src, size_t size)
{
    memcpy(dst, src, size);
}

#ifdef __SSE2__

bool can_stream(void)
{
    return true;
}

/* Whole lines only: all that is copied here is aligned to them. */
void copy_streamed(void *dst, const void *src, size_t size)
{
    const __m128i *from = src;
    __m128i *to = dst;

    for (size_t i = 0; i < size / 16; i += 4) {
        const __m128i a = _mm_load_si128(from + i);
        const __m128i b = _mm_load_si128(from + i + 1);
        const __m128i c = _mm_load_si128(from + i + 2);
        const __m128i d = _mm_load_si128(from + i + 3);

        _mm_stream_si128(to + i, a);
        _mm_stream_si128(to + i + 1, b);
        _mm_stream_si128(to + i + 2, c);
        _mm_stream_si128(to + i + 3, d);
    }
    _mm_sfence();
}

#else

bool can_stream(void)
{
    return false;
}

void copy_streamed(void *dst, const void *src, size_t size)
{
    memcpy(dst, src, size);
}

#endif
