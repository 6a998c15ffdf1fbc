/* SPDX-License-Identifier: MIT */

/*
 * The screen of an X server, a piece of it, or one window, whatever size it has at the moment. The
 * server writes the pixels straight into the frame that viewers will read. A frame is made when
 * something changed (XDamage) or the cursor moved, and otherwise once a second; its damage tells
 * what. The cursor is put over the picture, or sent beside it.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "x11.h"

#define BAD_MATCH 8 /* the X protocol's numbers; XCB has no names for them */
#define BAD_WINDOW 3
#define BAD_DRAWABLE 9
#define KEEP_ALIVE_NS FR_S(1)
#define SLICE_NS FR_MS(100)  /* how long a wait may keep us from looking at stop */
#define POINTER_NS FR_MS(16) /* the server does not tell when it moves */

static int x11_matches(const struct options *options)
{
    const char *input = options->input;
    int is_display = input[0] == ':' && input[1] >= '0' && input[1] <= '9';
    return !options->container && (strcmp(input, "x11") == 0 || is_display);
}

/* "x11", ":0", ":0.0" or one of these and "+X,Y". */
static enum source_result parse_input(struct x11 *x11, const struct options *options)
{
    const char *input = options->input;
    const char *plus = strchr(input, '+');
    size_t length = plus ? (size_t)(plus - input) : strlen(input);
    if (input[0] == ':' && length < sizeof x11->display)
        memcpy(x11->display, input, length);
    x11->x = (int32_t)options->x;
    x11->y = (int32_t)options->y;
    if (!plus)
        return SOURCE_OK;
    char *end = NULL;
    unsigned long x = strtoul(plus + 1, &end, 10);
    unsigned long y = *end == ',' ? strtoul(end + 1, &end, 10) : FR_MAX_SIDE + 1ul;
    if (*end != '\0' || x >= INT16_MAX || y >= INT16_MAX) {
        report_error("the place in '%s' has to be +X,Y, for instance :0.0+100,50", input);
        return SOURCE_FAILED;
    }
    x11->x = (int32_t)x;
    x11->y = (int32_t)y;
    return SOURCE_OK;
}

/* As much of the wanted picture as a window of that size holds; 0x0 if it lies outside. */
static void fit(const struct x11 *x11, uint32_t window_width, uint32_t window_height,
                uint32_t *width, uint32_t *height)
{
    int is_inside = (uint32_t)x11->x < window_width && (uint32_t)x11->y < window_height;
    *width = is_inside ? window_width - (uint32_t)x11->x : 0;
    *height = is_inside ? window_height - (uint32_t)x11->y : 0;
    if (x11->wanted_width && x11->wanted_width < *width)
        *width = x11->wanted_width;
    if (x11->wanted_height && x11->wanted_height < *height)
        *height = x11->wanted_height;
}

static enum source_result find_size(struct x11 *x11, struct stream *stream)
{
    uint32_t window_width = 0;
    uint32_t window_height = 0;
    if (x11_window_size(x11, &window_width, &window_height) != 0)
        return x11_lost_server();
    stream->format = FR_FORMAT_BGRX;
    fit(x11, window_width, window_height, &stream->width, &stream->height);
    if (stream->width == 0) {
        report_error("+%" PRId32 ",%" PRId32 " lies outside the screen", x11->x, x11->y);
        return SOURCE_FAILED;
    }
    if (stream->width < x11->wanted_width || stream->height < x11->wanted_height) {
        report_error("a picture of %" PRIu32 "x%" PRIu32 " at +%" PRId32 ",%" PRId32
                     " does not lie inside the screen; choose a smaller -s or another +X,Y",
                     x11->wanted_width, x11->wanted_height, x11->x, x11->y);
        return SOURCE_FAILED;
    }
    return SOURCE_OK;
}

static enum source_result x11_open(void *self, const struct options *options,
                                   const volatile sig_atomic_t *stop, struct stream *stream)
{
    struct x11 *x11 = self;
    x11->stop = stop;
    x11->name = options->output;
    x11->wanted_width = options->width;
    x11->wanted_height = options->height;
    if (options->format && options->format != FR_FORMAT_BGRX) {
        report_error("the screen comes as bgr0 and demo-capture does not convert; leave out -x");
        return SOURCE_FAILED;
    }
    enum source_result result = parse_input(x11, options);
    if (result == SOURCE_OK)
        result = x11_connect(x11, options);
    return result == SOURCE_OK ? find_size(x11, stream) : result;
}

/*
 * Lets the server write into every slot of a fresh ring once, and publishes none of them: its first
 * touch of memory costs many times what later ones do, too much for the time between two frames.
 */
static void warm_up(struct x11 *x11, struct fr_writer *writer, uint32_t fresh_slots,
                    const struct stream *stream)
{
    struct fr_frame **held = calloc(fresh_slots + 1u, sizeof(struct fr_frame *));
    uint32_t count = 0;
    while (held && count < fresh_slots) {
        if (fr_frame_acquire(writer, stream->width, stream->height, stream->format, FR_NOWAIT,
                             &held[count]) < 0)
            break;
        struct x11_look look;
        (void)x11_grab(x11, held[count++], &look);
    }
    while (count > 0)
        fr_frame_abort(&held[--count]);
    free(held);
}

static enum source_result x11_attach(void *self, struct fr_writer *writer, uint32_t fresh_slots,
                                     const struct stream *stream)
{
    struct x11 *x11 = self;
    x11->has_shown = 0;
    x11->shown = 0;
    x11_attach_memory(x11, writer);
    warm_up(x11, writer, fresh_slots, stream);
    return xcb_connection_has_error(x11->connection) ? x11_lost_server() : SOURCE_OK;
}

/* The pointer is asked for, which costs less than a picture. */
static int has_cursor_changed(struct x11 *x11, const struct stream *stream)
{
    if (x11->cursor.mode == CURSOR_NONE)
        return 0;
    x11_cursor_refresh(x11);
    xcb_query_pointer_reply_t *pointer =
        xcb_query_pointer_reply(x11->connection, xcb_query_pointer(x11->connection, x11->window),
                                NULL);
    x11_cursor_place(x11, pointer);
    free(pointer);
    return x11_cursor_has_changed(x11, stream->width, stream->height);
}

static int has_news(struct x11 *x11, const struct stream *stream)
{
    return !x11->has_shown || !x11->damage || x11->has_damage || fr_now_ns() >= x11->due_ns ||
           has_cursor_changed(x11, stream);
}

/* Sleeps until the server has something to tell, or it is time to look at something else. */
static void sleep_a_while(const struct x11 *x11, int64_t until_ns)
{
    int64_t now_ns = fr_now_ns();
    int64_t slice_ns = x11->cursor.mode == CURSOR_NONE ? SLICE_NS : POINTER_NS;
    if (until_ns - now_ns < slice_ns)
        slice_ns = until_ns - now_ns;
    struct pollfd poll_fd = { .fd = xcb_get_file_descriptor(x11->connection), .events = POLLIN };
    if (slice_ns > 0)
        poll(&poll_fd, 1, (int)((slice_ns + FR_MS(1) - 1) / FR_MS(1)));
}

static enum source_result x11_wait(void *self, int64_t until_ns, struct stream *stream)
{
    struct x11 *x11 = self;
    while (!*x11->stop && fr_now_ns() < until_ns) {
        x11_read_events(x11);
        if (x11->is_gone)
            return SOURCE_END;
        if (xcb_connection_has_error(x11->connection))
            return x11_lost_server();
        if (x11->has_shown && !audience_is_watching(&x11->audience, x11->name)) {
            poll(NULL, 0, (int)(SLICE_NS / FR_MS(1)));
            continue;
        }
        if (has_news(x11, stream))
            return SOURCE_OK;
        sleep_a_while(x11, x11->due_ns < until_ns ? x11->due_ns : until_ns);
    }
    return SOURCE_OK;
}

/* The window has that size now: SOURCE_OK if the picture is as large as it was. */
static enum source_result follow_size(struct x11 *x11, const struct x11_look *look,
                                      struct stream *stream)
{
    uint32_t width = 0;
    uint32_t height = 0;
    fit(x11, look->width, look->height, &width, &height);
    if (width == stream->width && height == stream->height)
        return SOURCE_OK;
    if (width == 0) {
        report_error("the screen has become so small that +%" PRId32 ",%" PRId32 " lies outside",
                     x11->x, x11->y);
        return SOURCE_FAILED;
    }
    stream->width = width;
    stream->height = height;
    x11->has_shown = 0;
    x11_forget_pictures(x11, 1);
    return SOURCE_CHANGED;
}

/* Tells what is new in the frame. SOURCE_SAME: nothing, and it is not time to repeat it either. */
static enum source_result describe(struct x11 *x11, struct fr_frame *frame)
{
    struct rects *damage = &x11->changed;
    int has_moved = x11_cursor_has_changed(x11, frame->width, frame->height);
    if (has_moved && x11->cursor.mode == CURSOR_DRAW) {
        rects_add(damage, rects_clip(x11->shown_cursor, frame->width, frame->height));
        rects_add(damage, rects_clip(x11->cursor.where, frame->width, frame->height));
    }
    if (!x11->damage || !x11->has_shown) {
        damage->count = 0;
        rects_add(damage, (struct fr_rect){ 0, 0, frame->width, frame->height });
    }
    if (damage->count == 0 && !has_moved) {
        if (fr_now_ns() < x11->due_ns)
            return SOURCE_SAME;
        frame->flags |= FR_FRAME_REPEAT;
    }
    (void)!fr_frame_set_damage(frame, damage->rect, damage->count); /* else all counts as new */
    return SOURCE_OK;
}

static void finish(struct x11 *x11, struct fr_frame *frame)
{
    if (x11->cursor.mode == CURSOR_DRAW)
        x11_mark_cursor(x11, frame, x11_cursor_draw(&x11->cursor, frame));
    if (x11->cursor.mode == CURSOR_META)
        x11_cursor_describe(&x11->cursor, frame);
    x11->shown_cursor = x11->cursor.where;
    x11->shown_serial = x11->cursor.serial;
    x11->changed.count = 0;
    x11->has_shown = 1;
    x11->shown++;
    x11->due_ns = fr_now_ns() + KEEP_ALIVE_NS;
    frame->color = (struct fr_color){ .range = 2, .primaries = 1, .transfer = 13 };
    frame->sample_aspect = (struct fr_rational){ 1, 1 };
}

static enum source_result x11_read(void *self, uint64_t number, struct fr_frame *frame,
                                   struct stream *stream)
{
    (void)number;
    struct x11 *x11 = self;
    if (!frame)
        return SOURCE_OK;
    if (x11->damage && !audience_writes_nothing(x11->name, x11->shown))
        x11_forget_pictures(x11, 0);
    struct x11_look look;
    int error = x11_grab(x11, frame, &look);
    stream->stages.grab_ns = look.grab_ns;
    if (error < 0)
        return x11_lost_server();
    if (error == BAD_WINDOW || error == BAD_DRAWABLE)
        return SOURCE_END;
    enum source_result result = follow_size(x11, &look, stream);
    if (result != SOURCE_OK)
        return result;
    if (error == BAD_MATCH)
        return SOURCE_SAME; /* the window is not on the screen at the moment */
    if (error > 0) {
        report_error("the X server refuses to show its screen (error %d)", error);
        return SOURCE_FAILED;
    }
    result = describe(x11, frame);
    if (result == SOURCE_OK)
        finish(x11, frame);
    return result;
}

static void x11_close(void *self)
{
    struct x11 *x11 = self;
    if (x11->connection)
        xcb_disconnect(x11->connection);
    free(x11->cursor.pixels);
}

const struct source source_x11 = {
    .name = "x11",
    .help = "  x11           the screen of $DISPLAY, whatever size it has at the moment;\n"
            "                a window of it with --window-name or --window-id, a piece\n"
            "                with -g. While nothing changes it repeats a frame a second.\n"
            "                A queue is left alone while nobody reads; a broadcast never\n"
            "                is, as those who only observe it cannot be seen.\n"
            "  :0.0+X,Y      the screen of display :0.0, from pixel X,Y on\n",
    .private_size = sizeof(struct x11),
    .matches = x11_matches,
    .open = x11_open,
    .attach = x11_attach,
    .wait = x11_wait,
    .read = x11_read,
    .close = x11_close,
};
