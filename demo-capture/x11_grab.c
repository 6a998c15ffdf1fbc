/* SPDX-License-Identifier: MIT */

/*
 * From the screen into the ring. The ring's memory is attached to the server (MIT-SHM 1.2). Best is
 * a pixmap over each slot: the server copies what changed since that slot was filled, and keeps the
 * list of it itself, one region for each slot. A server without such pixmaps writes whole pictures
 * (GetImage into shared memory); one at the other end of ssh sends them, and they are copied.
 *
 * All requests of one picture go in one batch, during which the server serves nobody else: so the
 * damage told is exactly what changed, and size and pointer belong to the pixels.
 */

#define _GNU_SOURCE

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "x11.h"

#define ALL_PLANES UINT32_MAX
#define MAX_PIXMAP_SIDE 32767

/* The answers that a batch waits for. */
struct batch {
    enum { BY_PIXMAP, BY_SEGMENT, BY_SOCKET } way;
    xcb_shm_get_image_cookie_t shared_image;
    xcb_get_image_cookie_t sent_image;
    xcb_get_geometry_cookie_t geometry;
    xcb_query_pointer_cookie_t pointer;
    xcb_xfixes_fetch_region_cookie_t damage;
};

/* Descriptors travel over local sockets only; trying it on another one would end the connection. */
static int can_pass_memory(xcb_connection_t *connection, int *has_pixmaps)
{
    struct sockaddr_storage peer = { 0 };
    socklen_t size = sizeof peer;
    if (getpeername(xcb_get_file_descriptor(connection), (struct sockaddr *)&peer, &size) < 0 ||
        peer.ss_family != AF_UNIX)
        return 0;
    const xcb_query_extension_reply_t *shm = xcb_get_extension_data(connection, &xcb_shm_id);
    if (!shm || !shm->present)
        return 0;
    xcb_shm_query_version_reply_t *version =
        xcb_shm_query_version_reply(connection, xcb_shm_query_version(connection), NULL);
    int is_enough = version && (version->major_version > 1 ||
                                (version->major_version == 1 && version->minor_version >= 2));
    *has_pixmaps =
        is_enough && version->shared_pixmaps && version->pixmap_format == XCB_IMAGE_FORMAT_Z_PIXMAP;
    free(version);
    return is_enough;
}

static void free_pixmap(const struct x11 *x11, struct x11_slot *slot)
{
    if (slot->pixmap)
        xcb_free_pixmap(x11->connection, slot->pixmap);
    slot->pixmap = XCB_NONE;
    slot->has_been_tried = 0;
}

void x11_forget_pictures(struct x11 *x11, int has_new_size)
{
    for (uint32_t i = 0; i < x11->slot_count; i++) {
        x11->slots[i].is_filled = 0;
        x11->slots[i].cursor = (struct fr_rect){ 0 };
        if (has_new_size)
            free_pixmap(x11, &x11->slots[i]);
    }
}

static void detach_memory(struct x11 *x11)
{
    for (uint32_t i = 0; i < x11->slot_count; i++) {
        free_pixmap(x11, &x11->slots[i]);
        if (x11->slots[i].stale)
            xcb_xfixes_destroy_region(x11->connection, x11->slots[i].stale);
    }
    memset(x11->slots, 0, sizeof x11->slots);
    x11->slot_count = 0;
    if (x11->segment)
        xcb_shm_detach(x11->connection, x11->segment);
    x11->segment = XCB_NONE;
}

void x11_attach_memory(struct x11 *x11, const struct fr_writer *writer)
{
    int fd = -1;
    detach_memory(x11);
    if (!x11->gc) {
        /* Copies of windows that are partly off the screen would otherwise each be reported. */
        const uint32_t values[] = { XCB_SUBWINDOW_MODE_INCLUDE_INFERIORS, 0 };
        x11->gc = xcb_generate_id(x11->connection);
        xcb_create_gc(x11->connection, x11->gc, x11->window,
                      XCB_GC_SUBWINDOW_MODE | XCB_GC_GRAPHICS_EXPOSURES, values);
    }
    if (!can_pass_memory(x11->connection, &x11->has_pixmaps) ||
        fr_writer_fd(writer, FR_READ_WRITE, &fd) < 0)
        return;
    xcb_shm_seg_t segment = xcb_generate_id(x11->connection);
    /* XCB closes the descriptor when it has sent it. */
    xcb_generic_error_t *error =
        xcb_request_check(x11->connection,
                          xcb_shm_attach_fd_checked(x11->connection, segment, fd, 0));
    if (!error)
        x11->segment = segment;
    free(error);
}

/* The pixmap is as wide as the stride, so that rows begin where the frame's rows do. */
static void make_pixmap(struct x11 *x11, struct x11_slot *slot, const struct fr_frame *frame)
{
    slot->has_been_tried = 1;
    ptrdiff_t width = frame->plane[0].stride / PIXEL_BYTES;
    uint64_t end = slot->offset + (uint64_t)frame->plane[0].stride * frame->height;
    if (!x11->has_pixmaps || !x11->segment || end > UINT32_MAX || width > MAX_PIXMAP_SIDE ||
        frame->height > MAX_PIXMAP_SIDE)
        return;
    xcb_pixmap_t pixmap = xcb_generate_id(x11->connection);
    xcb_generic_error_t *error =
        xcb_request_check(x11->connection,
                          xcb_shm_create_pixmap_checked(x11->connection, pixmap, x11->window,
                                                        (uint16_t)width, (uint16_t)frame->height,
                                                        x11->depth, x11->segment,
                                                        (uint32_t)slot->offset));
    if (!error)
        slot->pixmap = pixmap;
    free(error);
}

/* The slot of that frame; one that is seen for the first time is added. NULL only for want of room. */
static struct x11_slot *find_slot(struct x11 *x11, const struct fr_frame *frame)
{
    uint64_t offset = fr_frame_offset(frame);
    uint32_t i = 0;
    while (i < x11->slot_count && x11->slots[i].offset != offset)
        i++;
    if (i == FR_MAX_SLOTS)
        return NULL;
    struct x11_slot *slot = &x11->slots[i];
    if (i == x11->slot_count) {
        x11->slot_count++;
        slot->offset = offset;
        if (x11->damage) {
            slot->stale = xcb_generate_id(x11->connection);
            xcb_xfixes_create_region(x11->connection, slot->stale, 0, NULL);
        }
    }
    if (!slot->has_been_tried)
        make_pixmap(x11, slot, frame);
    return slot;
}

void x11_mark_cursor(struct x11 *x11, const struct fr_frame *frame, struct fr_rect where)
{
    struct x11_slot *slot = find_slot(x11, frame);
    if (slot)
        slot->cursor = where;
}

/* Takes the damage so far, and adds it to what each slot lacks. */
static void take_damage(struct x11 *x11)
{
    x11->has_damage = 0;
    xcb_damage_subtract(x11->connection, x11->damage, XCB_NONE, x11->news);
    for (uint32_t i = 0; i < x11->slot_count; i++)
        if (x11->slots[i].is_filled)
            xcb_xfixes_union_region(x11->connection, x11->news, x11->slots[i].stale,
                                    x11->slots[i].stale);
}

/* What a slot lacks is also what lies under the cursor that was drawn over it. */
static xcb_xfixes_region_t what_it_lacks(const struct x11 *x11, const struct x11_slot *slot)
{
    if (!x11->damage || !slot->is_filled)
        return XCB_NONE;
    if (slot->cursor.width > 0) {
        const xcb_rectangle_t cursor = { .x = (int16_t)(slot->cursor.x + x11->x),
                                         .y = (int16_t)(slot->cursor.y + x11->y),
                                         .width = (uint16_t)slot->cursor.width,
                                         .height = (uint16_t)slot->cursor.height };
        xcb_xfixes_set_region(x11->connection, x11->scratch, 1, &cursor);
        xcb_xfixes_union_region(x11->connection, x11->scratch, slot->stale, slot->stale);
    }
    return slot->stale;
}

static void copy_by_pixmap(const struct x11 *x11, struct x11_slot *slot,
                           const struct fr_frame *frame)
{
    if (x11->damage)
        xcb_xfixes_set_gc_clip_region(x11->connection, x11->gc, what_it_lacks(x11, slot),
                                      (int16_t)-x11->x, (int16_t)-x11->y);
    xcb_copy_area(x11->connection, x11->window, slot->pixmap, x11->gc, (int16_t)x11->x,
                  (int16_t)x11->y, 0, 0, (uint16_t)frame->width, (uint16_t)frame->height);
    if (x11->damage)
        xcb_xfixes_set_region(x11->connection, slot->stale, 0, NULL);
    slot->is_filled = 1;
    slot->cursor = (struct fr_rect){ 0 };
}

static void request_image(const struct x11 *x11, struct fr_frame *frame, struct batch *batch)
{
    /* The protocol has 32 bits for the offset. */
    uint64_t offset = fr_frame_offset(frame);
    uint64_t end = offset + (uint64_t)frame->width * frame->height * PIXEL_BYTES;
    if (x11->segment != 0 && end <= UINT32_MAX) {
        frame->plane[0].stride = (ptrdiff_t)frame->width * PIXEL_BYTES;
        batch->way = BY_SEGMENT;
        batch->shared_image =
            xcb_shm_get_image(x11->connection, x11->window, (int16_t)x11->x, (int16_t)x11->y,
                              (uint16_t)frame->width, (uint16_t)frame->height, ALL_PLANES,
                              XCB_IMAGE_FORMAT_Z_PIXMAP, x11->segment, (uint32_t)offset);
        return;
    }
    batch->way = BY_SOCKET;
    batch->sent_image =
        xcb_get_image(x11->connection, XCB_IMAGE_FORMAT_Z_PIXMAP, x11->window, (int16_t)x11->x,
                      (int16_t)x11->y, (uint16_t)frame->width, (uint16_t)frame->height, ALL_PLANES);
}

/* Keeps the first thing that went wrong: an X error's number, or -1 if there is no server. */
static void note_error(int has_reply, xcb_generic_error_t *error, int *result)
{
    if (!has_reply && *result == 0)
        *result = error ? error->error_code : -1;
    free(error);
}

static void receive_image(const struct x11 *x11, const struct batch *batch, struct fr_frame *frame,
                          int *result)
{
    xcb_generic_error_t *error = NULL;
    if (batch->way == BY_SEGMENT) {
        xcb_shm_get_image_reply_t *reply =
            xcb_shm_get_image_reply(x11->connection, batch->shared_image, &error);
        note_error(reply != NULL, error, result);
        free(reply);
    }
    if (batch->way == BY_SOCKET) {
        xcb_get_image_reply_t *reply =
            xcb_get_image_reply(x11->connection, batch->sent_image, &error);
        note_error(reply != NULL, error, result);
        size_t needed = (size_t)frame->width * frame->height * PIXEL_BYTES;
        if (reply && (size_t)xcb_get_image_data_length(reply) >= needed) {
            const void *const data[FR_MAX_PLANES] = { xcb_get_image_data(reply) };
            const ptrdiff_t stride[FR_MAX_PLANES] = { (ptrdiff_t)frame->width * PIXEL_BYTES };
            fr_frame_write(frame, data, stride);
        }
        free(reply);
    }
}

static void receive_damage(struct x11 *x11, const struct batch *batch, const struct fr_frame *frame,
                           int *result)
{
    xcb_generic_error_t *error = NULL;
    xcb_xfixes_fetch_region_reply_t *reply =
        xcb_xfixes_fetch_region_reply(x11->connection, batch->damage, &error);
    note_error(reply != NULL, error, result);
    const xcb_rectangle_t *rect = reply ? xcb_xfixes_fetch_region_rectangles(reply) : NULL;
    for (int i = reply ? xcb_xfixes_fetch_region_rectangles_length(reply) : 0; i > 0; i--, rect++)
        rects_add(&x11->changed, rects_clip((struct fr_rect){ .x = rect->x - x11->x,
                                                              .y = rect->y - x11->y,
                                                              .width = rect->width,
                                                              .height = rect->height },
                                            frame->width, frame->height));
    free(reply);
}

static void send_batch(struct x11 *x11, struct x11_slot *slot, struct fr_frame *frame,
                       struct batch *batch)
{
    xcb_connection_t *connection = x11->connection;
    xcb_grab_server(connection);
    batch->geometry = xcb_get_geometry(connection, x11->window);
    if (x11->damage)
        take_damage(x11);
    if (slot && slot->pixmap)
        copy_by_pixmap(x11, slot, frame);
    else
        request_image(x11, frame, batch);
    if (x11->cursor.mode != CURSOR_NONE)
        batch->pointer = xcb_query_pointer(connection, x11->window);
    xcb_ungrab_server(connection);
    if (x11->damage)
        batch->damage = xcb_xfixes_fetch_region(connection, x11->news);
}

/* The last answer tells that everything before it is done: also the copying, which has none. */
int x11_grab(struct x11 *x11, struct fr_frame *frame, struct x11_look *look)
{
    struct batch batch = { .way = BY_PIXMAP };
    xcb_generic_error_t *error = NULL;
    int result = 0;
    *look = (struct x11_look){ 0 };
    struct x11_slot *slot = find_slot(x11, frame);
    x11_cursor_refresh(x11);
    int64_t begin_ns = fr_now_ns();
    send_batch(x11, slot, frame, &batch);
    xcb_get_geometry_reply_t *geometry =
        xcb_get_geometry_reply(x11->connection, batch.geometry, &error);
    note_error(geometry != NULL, error, &result);
    look->width = geometry ? geometry->width : 0;
    look->height = geometry ? geometry->height : 0;
    free(geometry);
    receive_image(x11, &batch, frame, &result);
    if (x11->cursor.mode != CURSOR_NONE) {
        xcb_query_pointer_reply_t *pointer =
            xcb_query_pointer_reply(x11->connection, batch.pointer, NULL);
        x11_cursor_place(x11, pointer);
        free(pointer);
    }
    if (x11->damage)
        receive_damage(x11, &batch, frame, &result);
    else if (batch.way == BY_PIXMAP && x11->cursor.mode == CURSOR_NONE)
        free(
            xcb_get_input_focus_reply(x11->connection, xcb_get_input_focus(x11->connection), NULL));
    look->grab_ns = fr_now_ns() - begin_ns;
    return result;
}
