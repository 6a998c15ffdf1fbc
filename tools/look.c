/* SPDX-License-Identifier: MIT */

/* See look.h. Its JSON is made in look_json.c. */

#define _GNU_SOURCE

#include "look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_member(void *user, const struct fr_member *member)
{
    struct look *look = user;
    struct fr_member *more = reallocarray(look->member, look->members + 1, sizeof *more);
    if (!more)
        return FR_ENOMEM;
    look->member = more;
    more[look->members++] = *member;
    return 0;
}

static int compare_members(const void *left, const void *right)
{
    const struct fr_member *a = left;
    const struct fr_member *b = right;
    if (a->is_writer != b->is_writer)
        return b->is_writer - a->is_writer;
    return (a->place > b->place) - (a->place < b->place);
}

int look_read(const char *name, struct look *out)
{
    *out = (struct look){ .info = fr_info() };
    snprintf(out->name, sizeof out->name, "%s", name);
    out->error = fr_inspect(name, &out->info);
    /* A ring that has just gone is still described by what was read before. */
    if (out->error == 0 && out->info.kind == FR_KIND_RING &&
        fr_members(name, take_member, out) == FR_ENOMEM)
        out->error = FR_ENOMEM;
    if (out->error < 0)
        out->info = (struct fr_info){ 0 };
    if (out->members > 1)
        qsort(out->member, out->members, sizeof *out->member, compare_members);
    out->time_ns = fr_now_ns();
    return out->error;
}

void look_free(struct look *look)
{
    free(look->member);
    *look = (struct look){ 0 };
}

static int take_name(void *user, const char *name)
{
    struct look_list *list = user;
    struct look *more = reallocarray(list->look, list->count + 1, sizeof *more);
    if (!more)
        return FR_ENOMEM;
    list->look = more;
    /* What went between being listed and being looked at is not there. */
    if (look_read(name, &more[list->count]) == FR_ENOENT)
        look_free(&more[list->count]);
    else
        list->count++;
    return 0;
}

static int compare_names(const void *left, const void *right)
{
    const struct look *a = left;
    const struct look *b = right;
    return strcmp(a->name, b->name);
}

int look_read_all(struct look_list *out)
{
    *out = (struct look_list){ 0 };
    int error = fr_list(take_name, out);
    if (error < 0) {
        look_list_free(out);
        return error;
    }
    if (out->count > 1)
        qsort(out->look, out->count, sizeof *out->look, compare_names);
    return 0;
}

void look_list_free(struct look_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        look_free(&list->look[i]);
    free(list->look);
    *list = (struct look_list){ 0 };
}

const char *look_state(const struct look *look)
{
    if (look->error < 0)
        return "unreadable";
    if (look->info.status == 0)
        return "live";
    return look->info.status == FR_ECLOSED ? "closed" : "dead";
}

const char *look_kind(const struct look *look)
{
    if (look->error < 0)
        return "?";
    if (look->info.kind == FR_KIND_REGION)
        return "region";
    if (look->info.kind == FR_KIND_ARRAY)
        return "array";
    return look->info.delivery == FR_QUEUE ? "queue" : "ring";
}

const char *look_policy(enum fr_overflow policy)
{
    static const char *const names[] = {
        [FR_BLOCK] = "block",
        [FR_DROP_OLDEST] = "drop-oldest",
        [FR_DROP_NEWEST] = "drop-newest",
    };
    return (size_t)policy < sizeof names / sizeof *names ? names[policy] : "?";
}

uint64_t look_frame_bytes(const struct fr_info *info)
{
    const struct fr_format_info *format = fr_format_info(info->format);
    uint64_t bytes = 0;
    for (size_t i = 0; format && i < format->planes; i++) {
        const struct fr_plane_info *plane = &format->plane[i];
        uint64_t columns = ((uint64_t)info->width + (1U << plane->log2_w) - 1) >> plane->log2_w;
        uint64_t rows = ((uint64_t)info->height + (1U << plane->log2_h) - 1) >> plane->log2_h;
        bytes += columns * plane->group_bytes * rows;
    }
    return bytes;
}
