/* SPDX-License-Identifier: MIT */
/* Floor 0: see copy.h. */
#include "copy.h"

#include <string.h>

#include "base.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* From here on going around the caches is faster on some machines; below on none that we saw. */
#define LARGE 262144

#define PERIOD 2048
#define TRIAL 32 /* copies of each way at the beginning of a period */
#define TRIAL_UNCOUNTED 24

/* Of a cache line, and of what the processor combines before it writes. */
#define LINE 64

bool fri_copy_is_large(size_t size)
{
    return size >= LARGE;
}

#ifdef __SSE2__

static void copy_lines(uint8_t *dst, const uint8_t *src, size_t lines)
{
    for (; lines > 0; lines--, dst += LINE, src += LINE) {
        __m128i *to = (__m128i *)(void *)dst;
        const __m128i *from = (const __m128i *)(const void *)src;
        const __m128i a = _mm_loadu_si128(from);
        const __m128i b = _mm_loadu_si128(from + 1);
        const __m128i c = _mm_loadu_si128(from + 2);
        const __m128i d = _mm_loadu_si128(from + 3);

        _mm_stream_si128(to, a);
        _mm_stream_si128(to + 1, b);
        _mm_stream_si128(to + 2, c);
        _mm_stream_si128(to + 3, d);
    }
}

/* Whole lines of dst go around the caches; what lies before and behind them does not. */
static void copy_around(void *dst, const void *src, size_t size)
{
    uint8_t *to = dst;
    const uint8_t *from = src;
    size_t head = (LINE - (uintptr_t)to % LINE) % LINE;

    if (head > size)
        head = size;
    memcpy(to, from, head);
    size_t lines = (size - head) / LINE;
    copy_lines(to + head, from + head, lines);
    size_t done = head + lines * LINE;
    memcpy(to + done, from + done, size - done);
}

static void finish_around(void)
{
    _mm_sfence();
}

#else

static void copy_around(void *dst, const void *src, size_t size)
{
    memcpy(dst, src, size);
}

static void finish_around(void)
{
}

#endif

/* ---- Which way ------------------------------------------------------------------------------ */

static enum fri_copy_way better_way(const struct fri_copier *copier)
{
    return word_peek(&copier->cost[FRI_COPY_AROUND]) < word_peek(&copier->cost[FRI_COPY_THROUGH])
               ? FRI_COPY_AROUND
               : FRI_COPY_THROUGH;
}

/* The copy before was counted, and is over with the beginning of this one. Cost is ns for 2^20 bytes. */
static void count_last(struct fri_copier *copier, int64_t now_ns)
{
    uint64_t copy_ns = word_peek(&copier->copy_ns);
    uint64_t cycle_ns = (uint64_t)now_ns - word_peek(&copier->began_ns);
    uint64_t cost =
        (copy_ns + fri_min(cycle_ns, 4 * copy_ns)) * (1 << 20) / word_peek(&copier->size);

    word_poke(&copier->trial_cost, word_peek(&copier->trial_cost) + cost);
    word_poke(&copier->copy_ns, 0);
}

static void end_trial(struct fri_copier *copier, enum fri_copy_way way)
{
    uint64_t before = word_peek(&copier->cost[way]);
    uint64_t now = word_peek(&copier->trial_cost) / (TRIAL - TRIAL_UNCOUNTED);

    word_poke(&copier->cost[way], before ? (before + now) / 2 : now);
    word_poke(&copier->trial_cost, 0);
}

static bool is_counted(uint64_t number)
{
    return number < (uint64_t)TRIAL * FRI_COPY_WAYS && number % TRIAL >= TRIAL_UNCOUNTED;
}

struct fri_copying fri_copy_begin(struct fri_copier *copier, size_t size, int64_t now_ns)
{
    uint64_t number = word_peek(&copier->count) % PERIOD;
    enum fri_copy_way trial = (enum fri_copy_way)(number / TRIAL);

    word_poke(&copier->count, word_peek(&copier->count) + 1);
    if (word_peek(&copier->copy_ns) > 0)
        count_last(copier, now_ns);
    if (trial > 0 && trial <= FRI_COPY_WAYS && number % TRIAL == 0)
        end_trial(copier, trial - 1);
    return (struct fri_copying){ .copier = copier,
                                 .size = size,
                                 .began_ns = now_ns,
                                 .way = trial < FRI_COPY_WAYS ? trial : better_way(copier),
                                 .is_counted = is_counted(number) };
}

void fri_copy_piece(const struct fri_copying *copying, void *dst, const void *src, size_t size)
{
    if (copying->way == FRI_COPY_AROUND)
        copy_around(dst, src, size);
    else
        memcpy(dst, src, size);
}

void fri_copy_end(const struct fri_copying *copying, int64_t now_ns)
{
    struct fri_copier *copier = copying->copier;

    if (copying->way == FRI_COPY_AROUND)
        finish_around();
    if (!copying->is_counted)
        return;
    word_poke(&copier->size, copying->size);
    word_poke(&copier->began_ns, (uint64_t)copying->began_ns);
    word_poke(&copier->copy_ns, (uint64_t)(now_ns - copying->began_ns));
}
