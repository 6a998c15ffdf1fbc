/* SPDX-License-Identifier: MIT */

/* The typed accessors alone, twice, with one type made: as C11 and as C++17, see framering.c. */

#include <framering/typed.h>
/* Again: a header guards itself. */
#include <framering/typed.h>

struct point {
    int32_t x;
    int32_t y;
};

FR_TYPED(point, struct point);

int32_t x_of(const void *memory);

int32_t x_of(const void *memory)
{
    return point_load(memory).x;
}
