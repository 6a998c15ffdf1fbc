/* SPDX-License-Identifier: MIT */

/* See shape.h. */

#define _GNU_SOURCE

#include "shape.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"

/* Two numbers with a separator between them; false if the text is anything else. */
static int split_numbers(const char *text, char separator, uint64_t max, uint64_t *first,
                         uint64_t *second)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9')
        return 0;
    *first = strtoull(text, &end, 10);
    if (*end != separator || end[1] < '0' || end[1] > '9')
        return 0;
    *second = strtoull(end + 1, &end, 10);
    return *end == '\0' && *first <= max && *second <= max;
}

void shape_size(const char *text, uint32_t *width, uint32_t *height, const struct argp_state *state)
{
    uint64_t columns = 0;
    uint64_t rows = 0;
    if (!split_numbers(text, 'x', FR_MAX_SIDE, &columns, &rows) || columns == 0 || rows == 0)
        argp_error(state, "The size has to be WxH with sides from 1 to %d, not '%s'.", FR_MAX_SIDE,
                   text);
    *width = (uint32_t)columns;
    *height = (uint32_t)rows;
}

struct fr_rational shape_rate(const char *text, const struct argp_state *state)
{
    uint64_t num = 0;
    uint64_t den = 1;
    if (!strchr(text, '/'))
        num = command_number(text, 0, 1000000, "The frame rate", state);
    else if (!split_numbers(text, '/', INT32_MAX, &num, &den) || den == 0)
        argp_error(state, "The frame rate has to be N or N/D, for instance 30000/1001, not '%s'.",
                   text);
    return (struct fr_rational){ (int32_t)num, (int32_t)(num == 0 ? 1 : den) };
}

enum fr_format shape_format(const char *text, const struct argp_state *state)
{
    enum fr_format format = fr_format_by_name(text);
    if (format == FR_FORMAT_NONE)
        argp_error(state,
                   "There is no pixel format '%s' here; demo-capture --list-formats prints those "
                   "there are.",
                   text);
    return format;
}
