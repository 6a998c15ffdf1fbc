/* SPDX-License-Identifier: MIT */

/*
 * One picture by wlr-screencopy: ask, hear which shape it has, give the compositor a slot of the ring
 * as a buffer of shared memory, hear that it is written. The compositor has the whole ring in its
 * memory, and a buffer over each slot.
 */

#define _GNU_SOURCE

#include "wayland.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

#define MAX_SECONDS UINT64_C(9000000000) /* so that nanoseconds fit in 64 bits whatever is told */

enum fr_format wayland_format(uint32_t code)
{
    uint32_t fourcc = code;
    if (code == WL_SHM_FORMAT_ARGB8888)
        fourcc = FR_FORMAT_BGRA;
    if (code == WL_SHM_FORMAT_XRGB8888)
        fourcc = FR_FORMAT_BGRX;
    const struct fr_format_info *info = fr_format_info((enum fr_format)fourcc);
    return info && info->planes == 1 ? info->format : FR_FORMAT_NONE;
}

int wayland_has_shape(const struct wayland_shape *a, const struct wayland_shape *b)
{
    return a->width == b->width && a->height == b->height && a->stride == b->stride &&
           a->code == b->code;
}

/* ---- Memory ------------------------------------------------------------------------------------ */

void wayland_forget_buffers(struct wayland *wayland)
{
    for (uint32_t i = 0; i < wayland->slot_count; i++)
        if (wayland->slots[i].buffer)
            wl_buffer_destroy(wayland->slots[i].buffer);
    memset(wayland->slots, 0, sizeof wayland->slots);
    wayland->slot_count = 0;
}

void wayland_detach_memory(struct wayland *wayland)
{
    wayland_forget_buffers(wayland);
    if (wayland->pool)
        wl_shm_pool_destroy(wayland->pool);
    wayland->pool = NULL;
}

enum source_result wayland_attach_memory(struct wayland *wayland)
{
    struct stat info = { 0 };
    int fd = -1;
    int error = fr_writer_fd(wayland->writer, FR_READ_WRITE, &fd);
    if (error < 0) {
        report_error("cannot give the ring to the compositor: %s", fr_error_detail(error));
        return SOURCE_FAILED;
    }
    if (fstat(fd, &info) == 0 && info.st_size <= INT32_MAX)
        wayland->pool = wl_shm_create_pool(wayland->shm, fd, (int32_t)info.st_size);
    close(fd);
    if (wayland->pool)
        return SOURCE_OK;
    report_error("a ring for Wayland may have 2 GB, this one has %.1f; take fewer --slots",
                 (double)info.st_size / (1 << 30));
    return SOURCE_FAILED;
}

/* NULL only for want of room. */
static struct wl_buffer *find_buffer(struct wayland *wayland, const struct fr_frame *frame)
{
    const struct wayland_shape *shape = &wayland->shape;
    uint64_t offset = fr_frame_offset(frame);
    uint32_t i = 0;
    while (i < wayland->slot_count && wayland->slots[i].offset != offset)
        i++;
    if (i == FR_MAX_SLOTS)
        return NULL;
    if (i == wayland->slot_count) {
        wayland->slot_count++;
        wayland->slots[i].offset = offset;
        wayland->slots[i].buffer =
            wl_shm_pool_create_buffer(wayland->pool, (int32_t)offset, (int32_t)shape->width,
                                      (int32_t)shape->height, (int32_t)shape->stride, shape->code);
    }
    return wayland->slots[i].buffer;
}

/* ---- The compositor's answers ------------------------------------------------------------------ */

static void on_buffer(void *data, struct zwlr_screencopy_frame_v1 *request, uint32_t format,
                      uint32_t width, uint32_t height, uint32_t stride)
{
    (void)request;
    struct wayland_shot *shot = data;
    shot->shape = (struct wayland_shape){
        .width = width, .height = height, .stride = stride, .code = format
    };
    shot->has_shape = 1;
    if (shot->wayland->version < 3) /* it does not tell when it has told all */
        shot->state = SHOT_OFFERED;
}

static void on_dmabuf(void *data, struct zwlr_screencopy_frame_v1 *request, uint32_t format,
                      uint32_t width, uint32_t height)
{
    (void)data, (void)request, (void)format, (void)width, (void)height;
}

static void on_buffer_done(void *data, struct zwlr_screencopy_frame_v1 *request)
{
    (void)request;
    struct wayland_shot *shot = data;
    shot->state = SHOT_OFFERED;
}

static void on_flags(void *data, struct zwlr_screencopy_frame_v1 *request, uint32_t flags)
{
    (void)request;
    struct wayland_shot *shot = data;
    shot->is_inverted = (flags & ZWLR_SCREENCOPY_FRAME_V1_FLAGS_Y_INVERT) != 0;
}

static void on_damage(void *data, struct zwlr_screencopy_frame_v1 *request, uint32_t x, uint32_t y,
                      uint32_t width, uint32_t height)
{
    (void)request;
    struct wayland_shot *shot = data;
    if (x > FR_MAX_SIDE || y > FR_MAX_SIDE)
        return;
    const struct fr_rect rect = { (int32_t)x, (int32_t)y, width, height };
    rects_add(&shot->damage, rects_clip(rect, FR_MAX_SIDE, FR_MAX_SIDE));
}

static void on_ready(void *data, struct zwlr_screencopy_frame_v1 *request, uint32_t seconds_high,
                     uint32_t seconds_low, uint32_t nanoseconds)
{
    (void)request;
    struct wayland_shot *shot = data;
    uint64_t seconds = (uint64_t)seconds_high << 32 | seconds_low;
    shot->ready_ns = fr_now_ns();
    shot->taken_ns = (int64_t)(seconds % MAX_SECONDS) * FR_S(1) + nanoseconds;
    shot->state = SHOT_READY;
}

static void on_failed(void *data, struct zwlr_screencopy_frame_v1 *request)
{
    (void)request;
    struct wayland_shot *shot = data;
    shot->state = SHOT_FAILED;
}

static const struct zwlr_screencopy_frame_v1_listener listener = {
    .buffer = on_buffer,
    .flags = on_flags,
    .ready = on_ready,
    .failed = on_failed,
    .damage = on_damage,
    .linux_dmabuf = on_dmabuf,
    .buffer_done = on_buffer_done,
};

/* ---- Requests ---------------------------------------------------------------------------------- */

void wayland_shot_ask(struct wayland *wayland, struct wayland_shot *shot)
{
    struct wl_output *output = wayland->output->output;
    struct fr_rect area = wayland_area(wayland);
    shot->wayland = wayland;
    shot->state = SHOT_ASKED;
    shot->has_shape = 0;
    shot->is_inverted = 0;
    shot->damage.count = 0;
    shot->changes = wayland->output->changes;
    shot->area = wayland->piece.width > 0 ? area : (struct fr_rect){ 0 };
    if (wayland->piece.width > 0)
        shot->request =
            zwlr_screencopy_manager_v1_capture_output_region(wayland->manager, wayland->has_cursor,
                                                             output, area.x, area.y,
                                                             (int32_t)area.width,
                                                             (int32_t)area.height);
    else
        shot->request = zwlr_screencopy_manager_v1_capture_output(wayland->manager,
                                                                  wayland->has_cursor, output);
    zwlr_screencopy_frame_v1_add_listener(shot->request, &listener, shot);
}

void wayland_shot_copy(struct wayland *wayland, struct wayland_shot *shot, int with_damage)
{
    struct wl_buffer *buffer = find_buffer(wayland, shot->frame);
    if (!buffer) {
        shot->state = SHOT_FAILED;
        return;
    }
    if (with_damage)
        zwlr_screencopy_frame_v1_copy_with_damage(shot->request, buffer);
    else
        zwlr_screencopy_frame_v1_copy(shot->request, buffer);
    shot->state = SHOT_COPYING;
}

void wayland_shot_drop(struct wayland_shot *shot)
{
    if (shot->request)
        zwlr_screencopy_frame_v1_destroy(shot->request);
    shot->request = NULL;
    shot->state = SHOT_IDLE;
}

/* ---- Damage ------------------------------------------------------------------------------------ */

static void add_clipped(const struct wayland_shot *shot, struct fr_rect rect, struct rects *changed)
{
    rects_add(changed, rects_clip(rect, shot->shape.width, shot->shape.height));
}

/* The protocol says nothing about where damage is counted from if a piece is captured, or if rows come
 * bottom-up; wlroots counts from the output's corner. Both are added. */
static void add_both(const struct wayland_shot *shot, struct fr_rect rect, struct rects *changed)
{
    add_clipped(shot, rect, changed);
    if (shot->is_inverted) {
        struct fr_rect mirrored = rect;
        mirrored.y = (int32_t)((int64_t)shot->shape.height - rect.y - rect.height);
        add_clipped(shot, mirrored, changed);
    }
}

void wayland_shot_damage(const struct wayland *wayland, const struct wayland_shot *shot,
                         struct rects *changed)
{
    const struct wayland_shape *shape = &shot->shape;
    struct fr_rect area = shot->area;
    if (area.width == 0)
        area = (struct fr_rect){ .width = shape->width, .height = shape->height };
    /* The piece's corner in the output's pixels. Scales may be fractions: one pixel on each side. */
    int64_t x = (int64_t)area.x * shape->width / area.width;
    int64_t y = (int64_t)area.y * shape->height / area.height;
    int is_turned = shot->area.width > 0 && wayland->output->transform != 0;
    if (is_turned || x > FR_MAX_SIDE || y > FR_MAX_SIDE) {
        add_clipped(shot, (struct fr_rect){ 0, 0, shape->width, shape->height }, changed);
        return;
    }
    for (size_t i = 0; i < shot->damage.count; i++) {
        struct fr_rect rect = shot->damage.rect[i];
        add_both(shot, rect, changed);
        if (shot->area.width == 0)
            continue;
        rect.x -= (int32_t)x + 1;
        rect.y -= (int32_t)y + 1;
        rect.width += 2;
        rect.height += 2;
        add_both(shot, rect, changed);
    }
}
