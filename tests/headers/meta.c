/* SPDX-License-Identifier: MIT */

/* The header of metadata alone, twice: as C11 and as C++17, see framering.c. */

#include <framering/meta.h>
/* Again: a header guards itself. */
#include <framering/meta.h>

uint32_t area_of(const struct fr_rect *rect);

uint32_t area_of(const struct fr_rect *rect)
{
    return rect->width * rect->height;
}
