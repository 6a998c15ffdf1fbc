/* SPDX-License-Identifier: MIT */
/* Floor 0: see copy.h. */
#include "copy.h"

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* From here on streaming is never slower than memcpy, and at 1 MB 2.4 to 3.5 times as fast. */
#define LARGE 262144

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

/* Whole lines of dst are streamed; what lies before and behind them is not. */
void fri_copy_streamed(void *dst, const void *src, size_t size)
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

void fri_copy_finish(void)
{
    _mm_sfence();
}

#else

void fri_copy_streamed(void *dst, const void *src, size_t size)
{
    memcpy(dst, src, size);
}

void fri_copy_finish(void)
{
}

#endif

void fri_copy_in(void *dst, const void *src, size_t size)
{
    if (fri_copy_is_large(size)) {
        fri_copy_streamed(dst, src, size);
        fri_copy_finish();
    } else if (size > 0) {
        memcpy(dst, src, size);
    }
}
