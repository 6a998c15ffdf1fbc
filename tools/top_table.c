/* SPDX-License-Identifier: MIT */

/* See top_table.h. The first 80 columns hold all numbers, a stream's picture stands behind them. */

#define _GNU_SOURCE

#include "top_table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "words.h"

/* The columns of a line; an empty text is not known or makes no sense there. */
struct cells {
    char fps[WORDS_SIZE];
    char megabytes[WORDS_SIZE];
    char held[WORDS_SIZE];
    char lag[WORDS_SIZE];
    char skipped[WORDS_SIZE];
    char overwritten[WORDS_SIZE];
    char dropped[WORDS_SIZE];
    char p50[WORDS_SIZE];
    char p99[WORDS_SIZE];
};

__attribute__((format(printf, 3, 4))) static int
add_line(struct top_table *table, enum line_style style, const char *format, ...)
{
    struct line *more = reallocarray(table->line, table->count + 1, sizeof *more);
    if (!more)
        return FR_ENOMEM;
    table->line = more;
    struct line *line = &more[table->count++];
    line->style = style;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line->text, sizeof line->text, format, arguments);
    va_end(arguments);
    return 0;
}

static int add_cells(struct top_table *table, enum line_style style, const char *who,
                     const struct cells *cells, const char *behind)
{
    return add_line(table, style, "%-23.23s%7s%7s%6s%5s%6s%6s%6s%7s%7s  %s", who, cells->fps,
                    cells->megabytes, cells->held, cells->lag, cells->skipped, cells->overwritten,
                    cells->dropped, cells->p50, cells->p99, behind);
}

static void set_rate(struct cells *cells, const struct rate *rate)
{
    if (!rate->is_known)
        return;
    snprintf(cells->fps, WORDS_SIZE, "%.1f", rate->items_per_second);
    if (rate->bytes_per_second > 0)
        snprintf(cells->megabytes, WORDS_SIZE, "%.1f", rate->bytes_per_second / 1e6);
}

static void set_latency(struct cells *cells, const struct fr_histogram *latency)
{
    words_duration(fr_histogram_quantile(latency, 0.5), cells->p50);
    words_duration(fr_histogram_quantile(latency, 0.99), cells->p99);
}

static int add_member(struct top_table *table, const struct watch *watch, const struct look *look,
                      const struct fr_member *member)
{
    struct cells cells = { .fps = "" };
    struct rate rate = watch_member(watch, look, member);
    char who[64];
    snprintf(who, sizeof who, " %c %.*s %" PRIu32, member->is_writer ? 'w' : 'r', 13,
             member->program, member->process);
    set_rate(&cells, &rate);
    set_latency(&cells, &rate.latency);
    snprintf(cells.held, WORDS_SIZE, "%" PRIu32, member->held);
    if (!member->is_writer) {
        uint64_t published = look->info.published;
        words_count(published > member->sequence ? published - member->sequence : 0, cells.lag);
        words_count(member->loss.skipped, cells.skipped);
        words_count(member->loss.overwritten, cells.overwritten);
        words_count(member->loss.dropped, cells.dropped);
    }
    return add_cells(table, LINE_PLAIN, who, &cells, "");
}

/* Nobody sees observers, but the slots that they hold are seen. */
static int add_observers(struct top_table *table, const struct look *look)
{
    struct cells cells = { .fps = "" };
    if (look->info.observed == 0)
        return 0;
    snprintf(cells.held, WORDS_SIZE, "%" PRIu32, look->info.observed);
    return add_cells(table, LINE_PLAIN, " o observers", &cells, "");
}

static int add_ring(struct top_table *table, const struct watch *watch, const struct look *look)
{
    struct cells cells = { .fps = "" };
    struct rate rate = watch_stream(watch, look);
    char picture[WORDS_SIZE];
    char behind[160];
    uint32_t held = look->info.observed;
    for (size_t i = 0; i < look->members; i++)
        held += look->member[i].held;
    set_rate(&cells, &rate);
    snprintf(cells.held, WORDS_SIZE, "%" PRIu32 "/%" PRIu32, held, look->info.slots);
    words_count(look->info.overwritten, cells.overwritten);
    words_count(look->info.dropped, cells.dropped);
    snprintf(behind, sizeof behind, "%s%s%s, %s, %s", look->info.status ? look_state(look) : "",
             look->info.status ? " " : "", words_picture(&look->info, picture),
             look->info.delivery == FR_QUEUE ? "queue" : "broadcast",
             look_policy(look->info.overflow));
    int error =
        add_cells(table, look->info.status ? LINE_GONE : LINE_STREAM, look->name, &cells, behind);
    for (size_t i = 0; i < look->members && error == 0; i++)
        error = add_member(table, watch, look, &look->member[i]);
    return error < 0 ? error : add_observers(table, look);
}

static int add_title(struct top_table *table, const struct watch *watch)
{
    struct statvfs shm;
    size_t rings = 0;
    uint32_t writers = 0;
    uint32_t readers = 0;
    char used[WORDS_SIZE] = "?";
    char size[WORDS_SIZE] = "?";
    for (size_t i = 0; i < watch->now.count; i++) {
        const struct fr_info *info = &watch->now.look[i].info;
        rings += info->kind == FR_KIND_RING;
        writers += info->writers;
        readers += info->readers;
    }
    if (statvfs("/dev/shm", &shm) == 0) {
        words_bytes((shm.f_blocks - shm.f_bfree) * shm.f_frsize, used);
        words_bytes(shm.f_blocks * shm.f_frsize, size);
    }
    return add_line(table, LINE_TITLE,
                    "framering top: %zu stream%s, %" PRIu32 " writer%s, %" PRIu32
                    " reader%s; /dev/shm %s of %s",
                    rings, rings == 1 ? "" : "s", writers, writers == 1 ? "" : "s", readers,
                    readers == 1 ? "" : "s", used, size);
}

static int add_look(struct top_table *table, const struct watch *watch, const struct look *look)
{
    if (look->error < 0)
        return add_line(table, LINE_GONE, "%-23s %s", look->name, fr_strerror(look->error));
    if (look->info.kind == FR_KIND_RING)
        return add_ring(table, watch, look);
    return 0;
}

int top_table_fill(struct top_table *table, const struct watch *watch)
{
    static const struct cells head = { "FPS",   "MB/S", "HELD", "LAG", "SKIP",
                                       "OVERW", "DROP", "P50",  "P99" };
    top_table_free(table);
    int error = add_title(table, watch);
    if (error == 0)
        error = add_cells(table, LINE_HEAD, "STREAM", &head, "PICTURE");
    for (size_t i = 0; i < watch->now.count && error == 0; i++)
        error = add_look(table, watch, &watch->now.look[i]);
    return error;
}

void top_table_free(struct top_table *table)
{
    free(table->line);
    *table = (struct top_table){ 0 };
}
