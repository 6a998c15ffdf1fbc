/* SPDX-License-Identifier: MIT */

/*
 * Functions whose assembly check_moves.cmake looks at: loading and storing a structure through
 * typed.h must be moves only, no call of memcpy. Never linked into anything.
 */

#include <framering/typed.h>

struct pair {
    uint64_t a;
    uint64_t b;
};

struct odd {
    uint8_t bytes[7];
};

struct half_line {
    float v[8];
};

FR_TYPED(pair, struct pair);
FR_TYPED(odd, struct odd);
FR_TYPED(half_line, struct half_line);
FR_TYPED(number, uint32_t);

struct pair moves_pair_load(const void *from);
void moves_pair_store(void *to, uint64_t a, uint64_t b);
void moves_pair_copy(void *to, const void *from);
void moves_odd_copy(void *to, const void *from);
void moves_half_line_copy(void *to, const void *from);
uint32_t moves_number_load(const void *from);

struct pair moves_pair_load(const void *from)
{
    return pair_load(from);
}

void moves_pair_store(void *to, uint64_t a, uint64_t b)
{
    const struct pair value = { a, b };
    pair_store(to, value);
}

void moves_pair_copy(void *to, const void *from)
{
    pair_store(to, pair_load(from));
}

void moves_odd_copy(void *to, const void *from)
{
    odd_store(to, odd_load(from));
}

void moves_half_line_copy(void *to, const void *from)
{
    half_line_store(to, half_line_load(from));
}

uint32_t moves_number_load(const void *from)
{
    return number_load(from);
}
