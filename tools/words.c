/* SPDX-License-Identifier: MIT */

/* See words.h. */

#include "words.h"

#include <inttypes.h>
#include <stdio.h>

#define HOUR_NS FR_S(3600)

const char *words_duration(int64_t ns, char text[WORDS_SIZE])
{
    if (ns <= 0)
        snprintf(text, WORDS_SIZE, "-");
    else if (ns < FR_US(1))
        snprintf(text, WORDS_SIZE, "%" PRId64 "ns", ns);
    else if (ns < FR_MS(1))
        snprintf(text, WORDS_SIZE, "%.*fus", ns < FR_US(100) ? 1 : 0, (double)ns / 1e3);
    else if (ns < FR_S(1))
        snprintf(text, WORDS_SIZE, "%.*fms", ns < FR_MS(100) ? 1 : 0, (double)ns / 1e6);
    else if (ns < HOUR_NS)
        snprintf(text, WORDS_SIZE, "%.1fs", (double)ns / 1e9);
    else
        snprintf(text, WORDS_SIZE, "%" PRId64 "h%02" PRId64 "m", ns / HOUR_NS,
                 ns % HOUR_NS / FR_S(60));
    return text;
}

const char *words_bytes(uint64_t bytes, char text[WORDS_SIZE])
{
    if (bytes < 1000)
        snprintf(text, WORDS_SIZE, "%" PRIu64 " bytes", bytes);
    else if (bytes < 1000000)
        snprintf(text, WORDS_SIZE, "%.1f kB", (double)bytes / 1e3);
    else if (bytes < 10000000000)
        snprintf(text, WORDS_SIZE, "%.1f MB", (double)bytes / 1e6);
    else
        snprintf(text, WORDS_SIZE, "%.1f GB", (double)bytes / 1e9);
    return text;
}

const char *words_count(uint64_t count, char text[WORDS_SIZE])
{
    static const char *const units[] = { "", "k", "M", "G", "T", "P" };
    size_t unit = 0;
    for (; count > 99999; unit++)
        count /= 1000;
    snprintf(text, WORDS_SIZE, "%" PRIu64 "%s", count, units[unit]);
    return text;
}

const char *words_picture(const struct fr_info *info, char text[WORDS_SIZE])
{
    const struct fr_format_info *format = fr_format_info(info->format);
    if (format)
        snprintf(text, WORDS_SIZE, "%" PRIu32 "x%" PRIu32 " %s", info->width, info->height,
                 format->name);
    else
        snprintf(text, WORDS_SIZE, "-");
    return text;
}
