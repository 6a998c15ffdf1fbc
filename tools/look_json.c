/* SPDX-License-Identifier: MIT */

/* What look.h describes, as JSON: the same names in ls, info and top. Unknown values are left out. */

#include <inttypes.h>
#include <stdio.h>

#include "look.h"

/* Numbers of 64 bits that are not counts do not fit into a double, which many readers of JSON use. */
static json_t *hex(uint64_t number)
{
    char text[20];
    snprintf(text, sizeof text, "%016" PRIx64, number);
    return json_string(text);
}

static json_t *loss_json(const struct fr_loss *loss)
{
    return json_pack("{s:I, s:I, s:I}", "skipped", (json_int_t)loss->skipped, "overwritten",
                     (json_int_t)loss->overwritten, "dropped", (json_int_t)loss->dropped);
}

static json_t *histogram_json(const struct fr_histogram *histogram)
{
    json_t *bins = json_array();
    for (size_t i = 0; i < FR_HISTOGRAM_BINS; i++)
        json_array_append_new(bins, json_integer((json_int_t)histogram->bin[i]));
    return json_pack("{s:I, s:I, s:o}", "p50", (json_int_t)fr_histogram_quantile(histogram, 0.5),
                     "p99", (json_int_t)fr_histogram_quantile(histogram, 0.99), "log2_bins", bins);
}

json_t *look_member_json(const struct look *look, const struct fr_member *member)
{
    json_t *json =
        json_pack("{s:s, s:s, s:I, s:i, s:I, s:i, s:I, s:I, s:I, s:I, s:I}", "role",
                  member->is_writer ? "writer" : "reader", "program", member->program, "process",
                  (json_int_t)member->process, "place", (int)member->place, "joined_ns",
                  (json_int_t)member->joined_ns, "held", (int)member->held, "items",
                  (json_int_t)member->items, "sequence", (json_int_t)member->sequence, "timeouts",
                  (json_int_t)member->timeouts, "waits", (json_int_t)member->waits, "waited_ns",
                  (json_int_t)member->waited_ns);
    if (!json)
        return NULL;
    if (member->is_writer) {
        json_object_set_new(json, "aborted", json_integer((json_int_t)member->aborted));
    } else {
        /* The members are read a little later than the ring. */
        uint64_t published = look->info.published;
        uint64_t lag = published > member->sequence ? published - member->sequence : 0;
        json_object_set_new(json, "lag", json_integer((json_int_t)lag));
        json_object_set_new(json, "lost", loss_json(&member->loss));
    }
    json_object_set_new(json, "latency_ns", histogram_json(&member->latency));
    json_object_set_new(json, "hold_ns", histogram_json(&member->hold));
    return json;
}

static void add_frame(json_t *json, const struct fr_info *info)
{
    const struct fr_format_info *format = fr_format_info(info->format);
    if (!format)
        return;
    json_object_set_new(json, "format", json_string(format->name));
    json_object_set_new(json, "width", json_integer(info->width));
    json_object_set_new(json, "height", json_integer(info->height));
    json_object_set_new(json, "frame_bytes", json_integer((json_int_t)look_frame_bytes(info)));
    json_object_set_new(json, "frame_rate",
                        json_pack("[i, i]", info->frame_rate.num, info->frame_rate.den));
    json_object_set_new(json, "capture_ns", json_integer(info->capture_ns));
    json_object_set_new(json, "publish_ns", json_integer(info->publish_ns));
}

static void add_ring(json_t *json, const struct fr_info *info)
{
    json_t *ring =
        json_pack("{s:i, s:I, s:i, s:i, s:s, s:s, s:I, s:I, s:I, s:b, s:i}", "slots",
                  (int)info->slots, "slot_size", (json_int_t)info->slot_size, "writers",
                  (int)info->writers, "readers", (int)info->readers, "delivery",
                  info->delivery == FR_QUEUE ? "queue" : "broadcast", "policy",
                  look_policy(info->overflow), "published", (json_int_t)info->published, "dropped",
                  (json_int_t)info->dropped, "overwritten", (json_int_t)info->overwritten,
                  "observers", info->observers, "observed", (int)info->observed);
    json_object_update(json, ring);
    json_decref(ring);
    add_frame(json, info);
}

json_t *look_json(const struct look *look, int with_members)
{
    if (look->error < 0)
        return json_pack("{s:s, s:s, s:s}", "name", look->name, "state", look_state(look), "error",
                         fr_strerror(look->error));
    const struct fr_info *info = &look->info;
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:o, s:s, s:I, s:I}", "name", look->name, "state",
                  look_state(look), "kind", look_kind(look), "session", hex(info->session),
                  "wire_version", "", "total_size", (json_int_t)info->total_size, "created_ns",
                  (json_int_t)info->created_ns);
    if (!json)
        return NULL;
    char version[24];
    snprintf(version, sizeof version, "%" PRIu32 ".%" PRIu32, info->version_major,
             info->version_minor);
    json_object_set_new(json, "wire_version", json_string(version));
    if (info->kind != FR_KIND_RING)
        json_object_set_new(json, "data_size", json_integer((json_int_t)info->data_size));
    if (info->kind == FR_KIND_ARRAY)
        json_object_set_new(json, "element_size", json_integer((json_int_t)info->element_size));
    if (info->kind != FR_KIND_RING)
        return json;
    add_ring(json, info);
    if (!with_members)
        return json;
    json_t *members = json_array();
    for (size_t i = 0; i < look->members; i++)
        json_array_append_new(members, look_member_json(look, &look->member[i]));
    json_object_set_new(json, "members", members);
    return json;
}
