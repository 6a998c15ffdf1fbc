/* SPDX-License-Identifier: MIT */

/*
 * The screen of an X server, or a piece of it. The ring's own memory is attached to the server
 * (MIT-SHM 1.2), which then writes the pixels straight into the frame that viewers will read. A
 * server that cannot do so, for instance one at the other end of ssh, sends them, and they are
 * copied. The mouse cursor is not part of the picture.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <xcb/shm.h>
#include <xcb/xcb.h>

#include "report.h"
#include "source.h"

#define ALL_PLANES UINT32_MAX
#define PIXEL_BYTES 4
#define BAD_MATCH 8 /* the X protocol's number; XCB has no name for it */

struct x11 {
    xcb_connection_t *connection;
    xcb_window_t root;
    char display[256]; /* for messages; empty is $DISPLAY */
    uint32_t x;
    uint32_t y;
    uint32_t wanted_width; /* at the beginning; the ring has room for no more */
    uint32_t wanted_height;
    xcb_shm_seg_t segment; /* the ring in the server; 0 if pixels have to be sent */
};

static int x11_matches(const char *input)
{
    return strcmp(input, "x11") == 0 || (input[0] == ':' && input[1] >= '0' && input[1] <= '9');
}

/* "x11", ":0", ":0.0" or one of these and "+X,Y". */
static enum source_result parse_input(struct x11 *x11, const char *input)
{
    const char *plus = strchr(input, '+');
    size_t length = plus ? (size_t)(plus - input) : strlen(input);
    if (input[0] == ':' && length < sizeof x11->display)
        memcpy(x11->display, input, length);
    if (!plus)
        return SOURCE_OK;
    char *end = NULL;
    unsigned long x = strtoul(plus + 1, &end, 10);
    unsigned long y = *end == ',' ? strtoul(end + 1, &end, 10) : FR_MAX_SIDE + 1ul;
    if (*end != '\0' || x >= FR_MAX_SIDE || y >= FR_MAX_SIDE) {
        report_error("the place in '%s' has to be +X,Y, for instance :0.0+100,50", input);
        return SOURCE_FAILED;
    }
    x11->x = (uint32_t)x;
    x11->y = (uint32_t)y;
    return SOURCE_OK;
}

static const xcb_screen_t *find_screen(xcb_connection_t *connection, int number)
{
    xcb_screen_iterator_t i = xcb_setup_roots_iterator(xcb_get_setup(connection));
    for (; i.rem > 0; xcb_screen_next(&i), number--)
        if (number == 0)
            return i.data;
    return NULL;
}

/* Red, green and blue at these places of a little-endian word are blue, green, red in memory. */
static int has_bgrx_masks(const xcb_screen_t *screen)
{
    xcb_depth_iterator_t depth = xcb_screen_allowed_depths_iterator(screen);
    for (; depth.rem > 0; xcb_depth_next(&depth)) {
        xcb_visualtype_iterator_t visual = xcb_depth_visuals_iterator(depth.data);
        for (; visual.rem > 0; xcb_visualtype_next(&visual))
            if (visual.data->visual_id == screen->root_visual)
                return visual.data->red_mask == 0xff0000 && visual.data->green_mask == 0xff00 &&
                       visual.data->blue_mask == 0xff;
    }
    return 0;
}

static int has_bgrx_pixels(xcb_connection_t *connection, const xcb_screen_t *screen)
{
    const xcb_setup_t *setup = xcb_get_setup(connection);
    if (setup->image_byte_order != XCB_IMAGE_ORDER_LSB_FIRST)
        return 0;
    xcb_format_iterator_t i = xcb_setup_pixmap_formats_iterator(setup);
    for (; i.rem > 0; xcb_format_next(&i))
        if (i.data->depth == screen->root_depth)
            return i.data->bits_per_pixel == 8 * PIXEL_BYTES && has_bgrx_masks(screen);
    return 0;
}

static enum source_result connect_to_server(struct x11 *x11)
{
    const char *display = x11->display[0] ? x11->display : NULL;
    if (!display && !getenv("DISPLAY")) {
        report_error("there is no display to capture, because DISPLAY is not set; set it, or name "
                     "one with -i :0");
        return SOURCE_FAILED;
    }
    int number = 0;
    x11->connection = xcb_connect(display, &number);
    const xcb_screen_t *screen = NULL;
    if (!xcb_connection_has_error(x11->connection))
        screen = find_screen(x11->connection, number);
    if (!screen) {
        report_error("cannot connect to the X server at '%s'; is it running, and may you use it?",
                     display ? display : getenv("DISPLAY"));
        return SOURCE_FAILED;
    }
    if (!has_bgrx_pixels(x11->connection, screen)) {
        report_error("the screen has a depth of %d bits, demo-capture needs 24 with red, green "
                     "and blue in the usual places (Xvfb: -screen 0 1920x1080x24)",
                     screen->root_depth);
        return SOURCE_FAILED;
    }
    x11->root = screen->root;
    /* To be told of changes of the screen's size. */
    const uint32_t events = XCB_EVENT_MASK_STRUCTURE_NOTIFY;
    xcb_change_window_attributes(x11->connection, x11->root, XCB_CW_EVENT_MASK, &events);
    return SOURCE_OK;
}

static enum source_result lost_server(void)
{
    report_error("the X server closed the connection");
    return SOURCE_FAILED;
}

/* The size of the screen to the right of and below the chosen place; 0x0 if it lies outside. */
static enum source_result read_room(const struct x11 *x11, uint32_t *width, uint32_t *height)
{
    xcb_get_geometry_reply_t *root =
        xcb_get_geometry_reply(x11->connection, xcb_get_geometry(x11->connection, x11->root), NULL);
    if (!root)
        return lost_server();
    int is_inside = x11->x < root->width && x11->y < root->height;
    *width = is_inside ? root->width - x11->x : 0;
    *height = is_inside ? root->height - x11->y : 0;
    free(root);
    return SOURCE_OK;
}

static enum source_result x11_open(void *self, const struct options *options,
                                   const volatile sig_atomic_t *stop, struct stream *stream)
{
    (void)stop;
    struct x11 *x11 = self;
    if (options->format && options->format != FR_FORMAT_BGRX) {
        report_error("the screen comes as bgr0 and demo-capture does not convert; leave out -x");
        return SOURCE_FAILED;
    }
    enum source_result result = parse_input(x11, options->input);
    if (result == SOURCE_OK)
        result = connect_to_server(x11);
    uint32_t width = 0;
    uint32_t height = 0;
    if (result == SOURCE_OK)
        result = read_room(x11, &width, &height);
    if (result != SOURCE_OK)
        return result;
    if (width == 0) {
        report_error("+%" PRIu32 ",%" PRIu32 " lies outside the screen", x11->x, x11->y);
        return SOURCE_FAILED;
    }
    x11->wanted_width = options->width ? options->width : width;
    x11->wanted_height = options->height ? options->height : height;
    if (x11->wanted_width > width || x11->wanted_height > height) {
        report_error("a picture of %" PRIu32 "x%" PRIu32 " at +%" PRIu32 ",%" PRIu32
                     " does not lie "
                     "inside the screen; choose a smaller -s or another +X,Y",
                     x11->wanted_width, x11->wanted_height, x11->x, x11->y);
        return SOURCE_FAILED;
    }
    *stream = (struct stream){ .width = x11->wanted_width,
                               .height = x11->wanted_height,
                               .format = FR_FORMAT_BGRX };
    return SOURCE_OK;
}

/* Descriptors travel over local sockets only; trying it on another one would end the connection. */
static int can_pass_memory(xcb_connection_t *connection)
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
    free(version);
    return is_enough;
}

/* Gives the ring to the server. If that fails pixels are copied, so there is nothing to report. */
static void attach_memory(struct x11 *x11, const struct fr_writer *writer)
{
    int fd = -1;
    if (!can_pass_memory(x11->connection) || fr_writer_fd(writer, FR_READ_WRITE, &fd) < 0)
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

/* The server writes the frame. Returns the X error's number, or 0, or -1 if it is gone. */
static int get_shared(const struct x11 *x11, struct fr_frame *frame)
{
    xcb_generic_error_t *error = NULL;
    frame->plane[0].stride = (ptrdiff_t)frame->width * PIXEL_BYTES;
    xcb_shm_get_image_reply_t *reply =
        xcb_shm_get_image_reply(x11->connection,
                                xcb_shm_get_image(x11->connection, x11->root, (int16_t)x11->x,
                                                  (int16_t)x11->y, (uint16_t)frame->width,
                                                  (uint16_t)frame->height, ALL_PLANES,
                                                  XCB_IMAGE_FORMAT_Z_PIXMAP, x11->segment,
                                                  (uint32_t)fr_frame_offset(frame)),
                                &error);
    int result = reply ? 0 : error ? error->error_code : -1;
    free(reply);
    free(error);
    return result;
}

/* The server sends the pixels, and we copy them. Returns as get_shared. */
static int get_copied(const struct x11 *x11, struct fr_frame *frame)
{
    xcb_generic_error_t *error = NULL;
    xcb_get_image_reply_t *reply =
        xcb_get_image_reply(x11->connection,
                            xcb_get_image(x11->connection, XCB_IMAGE_FORMAT_Z_PIXMAP, x11->root,
                                          (int16_t)x11->x, (int16_t)x11->y, (uint16_t)frame->width,
                                          (uint16_t)frame->height, ALL_PLANES),
                            &error);
    int result = reply ? 0 : error ? error->error_code : -1;
    size_t needed = (size_t)frame->width * frame->height * PIXEL_BYTES;
    if (reply && (size_t)xcb_get_image_data_length(reply) >= needed) {
        const void *const data[FR_MAX_PLANES] = { xcb_get_image_data(reply) };
        const ptrdiff_t stride[FR_MAX_PLANES] = { (ptrdiff_t)frame->width * PIXEL_BYTES };
        fr_frame_write(frame, data, stride);
    }
    free(reply);
    free(error);
    return result;
}

static int get_image(const struct x11 *x11, struct fr_frame *frame)
{
    /* The protocol has 32 bits for the offset. */
    uint64_t end = fr_frame_offset(frame) + (uint64_t)frame->width * frame->height * PIXEL_BYTES;
    if (x11->segment != 0 && end <= UINT32_MAX)
        return get_shared(x11, frame);
    return get_copied(x11, frame);
}

/*
 * Lets the server write into every slot of a fresh ring once, and publishes none of them: its first
 * touch of memory costs many times what later ones do, too much for the time between two frames.
 */
static void warm_up(const struct x11 *x11, struct fr_writer *writer, uint32_t fresh_slots,
                    const struct stream *stream)
{
    struct fr_frame **held = calloc(fresh_slots + 1u, sizeof(struct fr_frame *));
    uint32_t count = 0;
    while (held && count < fresh_slots) {
        if (fr_frame_acquire(writer, stream->width, stream->height, stream->format, FR_NOWAIT,
                             &held[count]) < 0)
            break;
        get_image(x11, held[count++]);
    }
    while (count > 0)
        fr_frame_abort(&held[--count]);
    free(held);
}

static enum source_result x11_attach(void *self, struct fr_writer *writer, uint32_t fresh_slots,
                                     const struct stream *stream)
{
    struct x11 *x11 = self;
    attach_memory(x11, writer);
    warm_up(x11, writer, fresh_slots, stream);
    return xcb_connection_has_error(x11->connection) ? lost_server() : SOURCE_OK;
}

/* True if the server has told of another screen size since the last call. */
static int size_has_changed(xcb_connection_t *connection)
{
    int has_changed = 0;
    for (xcb_generic_event_t *event = xcb_poll_for_event(connection); event;
         event = xcb_poll_for_event(connection)) {
        if ((event->response_type & 0x7f) == XCB_CONFIGURE_NOTIFY)
            has_changed = 1;
        free(event);
    }
    return has_changed;
}

/* As much of the wanted picture as the screen now holds. */
static enum source_result fit(const struct x11 *x11, struct stream *stream)
{
    uint32_t width = 0;
    uint32_t height = 0;
    enum source_result result = read_room(x11, &width, &height);
    if (result != SOURCE_OK)
        return result;
    if (width == 0) {
        report_error("the screen has become so small that +%" PRIu32 ",%" PRIu32 " lies outside",
                     x11->x, x11->y);
        return SOURCE_FAILED;
    }
    stream->width = width < x11->wanted_width ? width : x11->wanted_width;
    stream->height = height < x11->wanted_height ? height : x11->wanted_height;
    return SOURCE_CHANGED;
}

static enum source_result x11_read(void *self, uint64_t number, struct fr_frame *frame,
                                   struct stream *stream)
{
    (void)number;
    const struct x11 *x11 = self;
    if (!frame)
        return SOURCE_OK;
    if (size_has_changed(x11->connection)) {
        uint32_t width = stream->width;
        uint32_t height = stream->height;
        enum source_result result = fit(x11, stream);
        if (result != SOURCE_CHANGED || stream->width != width || stream->height != height)
            return result;
    }
    int error = get_image(x11, frame);
    if (error == BAD_MATCH)
        return fit(x11, stream);
    if (error < 0)
        return lost_server();
    if (error > 0) {
        report_error("the X server refuses to show its screen (error %d)", error);
        return SOURCE_FAILED;
    }
    frame->color = (struct fr_color){ .range = 2, .primaries = 1, .transfer = 13 };
    frame->sample_aspect = (struct fr_rational){ 1, 1 };
    return SOURCE_OK;
}

static void x11_close(void *self)
{
    struct x11 *x11 = self;
    if (x11->connection)
        xcb_disconnect(x11->connection);
}

const struct source source_x11 = {
    .name = "x11",
    .help = "  x11           the screen of $DISPLAY\n"
            "  :0.0+X,Y      the screen of display :0.0, from pixel X,Y on\n",
    .private_size = sizeof(struct x11),
    .matches = x11_matches,
    .open = x11_open,
    .attach = x11_attach,
    .read = x11_read,
    .close = x11_close,
};
