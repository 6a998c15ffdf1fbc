/* SPDX-License-Identifier: MIT */

/* See watch.h. */

#include "watch.h"

#include <string.h>

int watch_update(struct watch *watch)
{
    look_list_free(&watch->before);
    watch->before = watch->now;
    return look_read_all(&watch->now);
}

void watch_free(struct watch *watch)
{
    look_list_free(&watch->now);
    look_list_free(&watch->before);
}

/* The same ring at the first look, not only one of that name. */
static const struct look *earlier(const struct watch *watch, const struct look *look)
{
    for (size_t i = 0; i < watch->before.count; i++) {
        const struct look *other = &watch->before.look[i];
        if (strcmp(other->name, look->name) == 0)
            return other->error == 0 && other->info.session == look->info.session ? other : NULL;
    }
    return NULL;
}

static struct rate make_rate(const struct look *look, const struct look *other, uint64_t items,
                             uint64_t other_items)
{
    double seconds = (double)(look->time_ns - other->time_ns) / 1e9;
    struct rate rate = { .is_known = 1 };
    if (seconds > 0 && items >= other_items)
        rate.items_per_second = (double)(items - other_items) / seconds;
    rate.bytes_per_second = rate.items_per_second * (double)look_frame_bytes(&look->info);
    return rate;
}

struct rate watch_stream(const struct watch *watch, const struct look *look)
{
    const struct look *other = earlier(watch, look);
    if (look->error < 0 || look->info.kind != FR_KIND_RING || !other)
        return (struct rate){ 0 };
    return make_rate(look, other, look->info.published, other->info.published);
}

struct rate watch_member(const struct watch *watch, const struct look *look,
                         const struct fr_member *member)
{
    const struct look *other = earlier(watch, look);
    for (size_t i = 0; other && i < other->members; i++) {
        const struct fr_member *before = &other->member[i];
        if (before->place != member->place || before->joined_ns != member->joined_ns)
            continue;
        struct rate rate = make_rate(look, other, member->items, before->items);
        for (size_t bin = 0; bin < FR_HISTOGRAM_BINS; bin++)
            rate.latency.bin[bin] = member->latency.bin[bin] - before->latency.bin[bin];
        return rate;
    }
    return (struct rate){ 0 };
}

static void add_rate(json_t *json, const struct rate *rate)
{
    if (!rate->is_known)
        return;
    json_object_set_new(json, "fps", json_real(rate->items_per_second));
    json_object_set_new(json, "bytes_per_second", json_real(rate->bytes_per_second));
}

static json_t *stream_json(const struct watch *watch, const struct look *look)
{
    json_t *json = look_json(look, 1);
    json_t *members = json_object_get(json, "members");
    struct rate rate = watch_stream(watch, look);
    if (!json)
        return NULL;
    add_rate(json, &rate);
    for (size_t i = 0; i < json_array_size(members); i++) {
        rate = watch_member(watch, look, &look->member[i]);
        add_rate(json_array_get(members, i), &rate);
    }
    return json;
}

json_t *watch_json(const struct watch *watch)
{
    json_t *streams = json_array();
    for (size_t i = 0; i < watch->now.count; i++)
        json_array_append_new(streams, stream_json(watch, &watch->now.look[i]));
    return json_pack("{s:I, s:o}", "time_ns", (json_int_t)fr_now_ns(), "streams", streams);
}
