/* SPDX-License-Identifier: MIT */
/*
 * A Wayland compositor with one output that shows nothing to anybody, but can be captured, in all the
 * ways that sway on this machine has not: older protocols, other pixel formats, longer rows, pictures
 * bottom-up, failures, an output that goes away. It listens at the socket of that name and reads
 * lines from standard input.
 *
 * usage: wl_fake SOCKET VERSION            of wlr-screencopy, 1 to 3, or 0: it has none
 *
 *   paint X Y W H RRGGBB     a rectangle, which is told as damage
 *   mode W H                 the output's size
 *   format NUMBER            wl_shm's, in hexadecimal
 *   pad BYTES                behind each row
 *   invert 0|1               pictures come bottom-up
 *   local 0|1                damage is counted from the corner of the piece, not of the output
 *   mirror 0|1               damage is counted from the bottom
 *   told                     all that has changed so far
 *   fail N                   so many pictures fail; -1: all
 *   off 0|1                  the output: no picture of it can be asked for
 *   remove                   the output
 *   save FILE                the output's pixels, as tight rows of bgr0
 *
 * It says what it is asked for: "capture X,Y WxH cursor 0|1", and "copy" or "wait".
 */
#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wayland-server.h>
#include <wlr-screencopy-unstable-v1.h>
#include <xdg-output-unstable-v1.h>

#define SIDE 2048
#define REFRESH_MS 10

struct box {
    int32_t x;
    int32_t y;
    int32_t width;
    int32_t height;
};

/* A picture that somebody asked for; there are two at a time at most. */
struct shot {
    struct wl_resource *resource;
    struct wl_shm_buffer *buffer; /* NULL: it was not given one yet */
    struct box box;               /* and what else was offered */
    uint32_t format;
    int32_t pad;
    int with_damage;
    struct shot *next;
};

static uint32_t picture[SIDE * SIDE];
static struct wl_display *display;
static struct wl_event_source *timer;
static struct wl_global *output;
static struct wl_resource *bound_output;
static struct wl_resource *bound_xdg;
static struct shot *shots;
static struct box damage = { 0, 0, SIDE, SIDE };
static int32_t width = 320;
static int32_t height = 240;
static uint32_t format = WL_SHM_FORMAT_XRGB8888;
static int32_t pad;
static int is_inverted;
static int is_local;
static int is_mirrored;
static int is_off;
static int failures;

/* ---- The picture ------------------------------------------------------------------------------- */

static void damage_box(struct box box)
{
    int32_t right = box.x + box.width;
    int32_t bottom = box.y + box.height;
    if (damage.width > 0) {
        right = damage.x + damage.width > right ? damage.x + damage.width : right;
        bottom = damage.y + damage.height > bottom ? damage.y + damage.height : bottom;
        box.x = damage.x < box.x ? damage.x : box.x;
        box.y = damage.y < box.y ? damage.y : box.y;
    }
    damage = (struct box){ box.x, box.y, right - box.x, bottom - box.y };
}

/* As the four bytes of wl_shm's formats that have 8 bits for each colour. */
static uint32_t encode(uint32_t color, uint32_t as)
{
    if (as == WL_SHM_FORMAT_XBGR8888 || as == WL_SHM_FORMAT_ABGR8888)
        color = (color & 0xff00) | (color >> 16 & 0xff) | (color & 0xff) << 16;
    return 0xff000000u | color;
}

static void write_shot(const struct shot *shot)
{
    int32_t stride = wl_shm_buffer_get_stride(shot->buffer);
    wl_shm_buffer_begin_access(shot->buffer);
    uint8_t *data = wl_shm_buffer_get_data(shot->buffer);
    for (int32_t y = 0; y < shot->box.height; y++) {
        int32_t row = is_inverted ? shot->box.height - 1 - y : y;
        const uint32_t *from = picture + (size_t)(shot->box.y + y) * SIDE + shot->box.x;
        uint32_t *to = (uint32_t *)(void *)(data + (ptrdiff_t)row * stride);
        for (int32_t x = 0; x < shot->box.width; x++)
            to[x] = encode(from[x], shot->format);
        memset(to + shot->box.width, 0xaa, (size_t)shot->pad);
    }
    wl_shm_buffer_end_access(shot->buffer);
}

/* ---- Screencopy -------------------------------------------------------------------------------- */

static void on_shot_gone(struct wl_resource *resource)
{
    struct shot *shot = wl_resource_get_user_data(resource);
    struct shot **place = &shots;
    while (*place && *place != shot)
        place = &(*place)->next;
    if (*place)
        *place = shot->next;
    free(shot);
}

static void answer(struct shot *shot)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    zwlr_screencopy_frame_v1_send_flags(shot->resource, (uint32_t)is_inverted);
    if (shot->with_damage) {
        int32_t x = is_local ? damage.x - shot->box.x : damage.x;
        int32_t y = is_local ? damage.y - shot->box.y : damage.y;
        if (is_mirrored)
            y = shot->box.height - y - damage.height;
        zwlr_screencopy_frame_v1_send_damage(shot->resource, (uint32_t)(x > 0 ? x : 0),
                                             (uint32_t)(y > 0 ? y : 0),
                                             (uint32_t)(damage.width + (x < 0 ? x : 0)),
                                             (uint32_t)(damage.height + (y < 0 ? y : 0)));
        damage.width = 0;
    }
    write_shot(shot);
    zwlr_screencopy_frame_v1_send_ready(shot->resource, 0, (uint32_t)now.tv_sec,
                                        (uint32_t)now.tv_nsec);
    shot->buffer = NULL;
}

static int on_refresh(void *data)
{
    (void)data;
    for (struct shot *shot = shots; shot; shot = shot->next) {
        if (!shot->buffer || (shot->with_damage && damage.width == 0 && failures == 0))
            continue;
        if (failures == 0) {
            answer(shot);
            continue;
        }
        failures -= failures > 0;
        shot->buffer = NULL;
        zwlr_screencopy_frame_v1_send_failed(shot->resource);
    }
    return wl_event_source_timer_update(timer, REFRESH_MS);
}

static void copy(struct wl_client *client, struct wl_resource *resource, struct wl_resource *buffer)
{
    (void)client;
    struct shot *shot = wl_resource_get_user_data(resource);
    shot->buffer = wl_shm_buffer_get(buffer);
    int is_right = shot->buffer && wl_shm_buffer_get_format(shot->buffer) == shot->format &&
                   wl_shm_buffer_get_width(shot->buffer) == shot->box.width &&
                   wl_shm_buffer_get_height(shot->buffer) == shot->box.height &&
                   wl_shm_buffer_get_stride(shot->buffer) == shot->box.width * 4 + shot->pad;
    if (!is_right)
        wl_resource_post_error(resource, ZWLR_SCREENCOPY_FRAME_V1_ERROR_INVALID_BUFFER, "shape");
    printf("%s\n", shot->with_damage ? "wait" : "copy");
}

static void copy_with_damage(struct wl_client *client, struct wl_resource *resource,
                             struct wl_resource *buffer)
{
    struct shot *shot = wl_resource_get_user_data(resource);
    shot->with_damage = 1;
    copy(client, resource, buffer);
}

static void destroy(struct wl_client *client, struct wl_resource *resource)
{
    (void)client;
    wl_resource_destroy(resource);
}

static const struct zwlr_screencopy_frame_v1_interface shot_requests = {
    .copy = copy, .destroy = destroy, .copy_with_damage = copy_with_damage
};

static void capture(struct wl_client *client, struct wl_resource *manager, uint32_t id,
                    int32_t cursor, struct box box)
{
    int version = wl_resource_get_version(manager);
    struct shot *shot = calloc(1, sizeof *shot);
    if (!shot)
        abort();
    shot->box = box;
    shot->format = format;
    shot->pad = pad;
    shot->resource = wl_resource_create(client, &zwlr_screencopy_frame_v1_interface, version, id);
    wl_resource_set_implementation(shot->resource, &shot_requests, shot, on_shot_gone);
    struct shot **place = &shots; /* those that came first are answered first */
    while (*place)
        place = &(*place)->next;
    *place = shot;
    if (is_off) {
        zwlr_screencopy_frame_v1_send_failed(shot->resource);
        return;
    }
    printf("capture %d,%d %dx%d cursor %d\n", box.x, box.y, box.width, box.height, cursor);
    zwlr_screencopy_frame_v1_send_buffer(shot->resource, format, (uint32_t)box.width,
                                         (uint32_t)box.height, (uint32_t)(box.width * 4 + pad));
    if (version >= 3)
        zwlr_screencopy_frame_v1_send_buffer_done(shot->resource);
}

static void capture_output(struct wl_client *client, struct wl_resource *manager, uint32_t id,
                           int32_t cursor, struct wl_resource *from)
{
    (void)from;
    capture(client, manager, id, cursor, (struct box){ 0, 0, width, height });
}

static void capture_region(struct wl_client *client, struct wl_resource *manager, uint32_t id,
                           int32_t cursor, struct wl_resource *from, int32_t x, int32_t y,
                           int32_t wide, int32_t high)
{
    (void)from;
    capture(client, manager, id, cursor, (struct box){ x, y, wide, high });
}

static const struct zwlr_screencopy_manager_v1_interface manager_requests = {
    .capture_output = capture_output, .capture_output_region = capture_region, .destroy = destroy
};

static void bind_manager(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
    (void)data;
    struct wl_resource *resource =
        wl_resource_create(client, &zwlr_screencopy_manager_v1_interface, (int)version, id);
    wl_resource_set_implementation(resource, &manager_requests, NULL, NULL);
    damage = (struct box){ 0, 0, SIDE, SIDE }; /* to somebody new, all is */
}

/* ---- The output -------------------------------------------------------------------------------- */

static void tell_size(void)
{
    if (bound_output)
        wl_output_send_mode(bound_output, WL_OUTPUT_MODE_CURRENT, width, height,
                            1000000 / REFRESH_MS);
    if (bound_xdg)
        zxdg_output_v1_send_logical_size(bound_xdg, width, height);
    if (bound_output)
        wl_output_send_done(bound_output);
}

static void on_output_gone(struct wl_resource *resource)
{
    (void)resource;
    bound_output = NULL;
}

static void on_xdg_gone(struct wl_resource *resource)
{
    (void)resource;
    bound_xdg = NULL;
}

static const struct wl_output_interface output_requests = { .release = destroy };

static void bind_output(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
    (void)data;
    bound_output = wl_resource_create(client, &wl_output_interface, (int)version, id);
    wl_resource_set_implementation(bound_output, &output_requests, NULL, on_output_gone);
    wl_output_send_geometry(bound_output, 0, 0, 0, 0, 0, "fake", "fake", 0);
    tell_size();
}

static const struct zxdg_output_v1_interface xdg_requests = { .destroy = destroy };

static void get_xdg_output(struct wl_client *client, struct wl_resource *manager, uint32_t id,
                           struct wl_resource *of)
{
    (void)of;
    bound_xdg =
        wl_resource_create(client, &zxdg_output_v1_interface, wl_resource_get_version(manager), id);
    wl_resource_set_implementation(bound_xdg, &xdg_requests, NULL, on_xdg_gone);
    zxdg_output_v1_send_logical_position(bound_xdg, 0, 0);
    zxdg_output_v1_send_name(bound_xdg, "FAKE-1");
    tell_size();
}

static const struct zxdg_output_manager_v1_interface xdg_manager_requests = { .destroy = destroy,
                                                                              .get_xdg_output =
                                                                                  get_xdg_output };

static void bind_xdg(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
    (void)data;
    struct wl_resource *resource =
        wl_resource_create(client, &zxdg_output_manager_v1_interface, (int)version, id);
    wl_resource_set_implementation(resource, &xdg_manager_requests, NULL, NULL);
}

/* ---- Orders ------------------------------------------------------------------------------------ */

static int paint(struct box box, uint32_t color)
{
    if (box.x < 0 || box.y < 0 || box.x > SIDE - box.width || box.y > SIDE - box.height)
        return -1;
    for (int32_t y = box.y; y < box.y + box.height; y++)
        for (int32_t x = box.x; x < box.x + box.width; x++)
            picture[y * SIDE + x] = color;
    damage_box(box);
    return 0;
}

static int save(const char *path)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return -1;
    for (int32_t y = 0; y < height; y++)
        fwrite(picture + (size_t)y * SIDE, 4, (size_t)width, file);
    return fclose(file);
}

/* All changes of the shape show everything anew. */
static int set(const char *word, int32_t first, int32_t second, const char *text)
{
    if (strcmp(word, "mode") == 0) {
        width = first;
        height = second;
        tell_size();
    } else if (strcmp(word, "format") == 0)
        format = (uint32_t)strtoul(text, NULL, 16);
    else if (strcmp(word, "pad") == 0)
        pad = first;
    else if (strcmp(word, "invert") == 0)
        is_inverted = first;
    else if (strcmp(word, "local") == 0)
        is_local = first;
    else if (strcmp(word, "mirror") == 0)
        is_mirrored = first;
    else if (strcmp(word, "off") == 0)
        is_off = first;
    else if (strcmp(word, "fail") == 0)
        failures = first;
    else if (strcmp(word, "remove") == 0)
        wl_global_destroy(output);
    else if (strcmp(word, "save") == 0)
        return save(text);
    else
        return -1;
    damage = (struct box){ 0, 0, SIDE, SIDE };
    return 0;
}

static int obey(const char *line)
{
    char word[16] = "";
    char text[256] = "";
    struct box box = { 0 };
    uint32_t color = 0;
    if (strcmp(line, "told\n") == 0) {
        damage.width = 0;
        return 0;
    }
    /* Numbers of tests always fit. NOLINTNEXTLINE(cert-err34-c) */
    int read =
        sscanf(line, "%15s %d %d %d %d %x", word, &box.x, &box.y, &box.width, &box.height, &color);
    if (read == 6 && strcmp(word, "paint") == 0)
        return paint(box, color);
    return sscanf(line, "%*s %255s", text) < -1 ? -1 : set(word, box.x, box.y, text);
}

static int on_orders(int fd, uint32_t mask, void *data)
{
    (void)fd, (void)mask, (void)data;
    char line[300];
    if (!fgets(line, sizeof line, stdin)) {
        wl_display_terminate(display);
        return 0;
    }
    if (obey(line) < 0) {
        fprintf(stderr, "wl_fake: cannot do: %s", line);
        exit(1);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int version = argc == 3 ? atoi(argv[2]) : 0;
    display = wl_display_create();
    if (argc != 3 || wl_display_add_socket(display, argv[1]) < 0) {
        fprintf(stderr, "usage: wl_fake SOCKET VERSION, with a new SOCKET in $XDG_RUNTIME_DIR\n");
        return 2;
    }
    setvbuf(stdin, NULL, _IONBF, 0); /* so that no line waits where poll does not see it */
    setvbuf(stdout, NULL, _IOLBF, 0);
    wl_display_init_shm(display);
    wl_display_add_shm_format(display, WL_SHM_FORMAT_XBGR8888);
    wl_display_add_shm_format(display, WL_SHM_FORMAT_ABGR8888);
    wl_display_add_shm_format(display, WL_SHM_FORMAT_NV12);
    output = wl_global_create(display, &wl_output_interface, 3, NULL, bind_output);
    wl_global_create(display, &zxdg_output_manager_v1_interface, 2, NULL, bind_xdg);
    if (version > 0)
        wl_global_create(display, &zwlr_screencopy_manager_v1_interface, version, NULL,
                         bind_manager);
    struct wl_event_loop *loop = wl_display_get_event_loop(display);
    wl_event_loop_add_fd(loop, 0, WL_EVENT_READABLE, on_orders, NULL);
    timer = wl_event_loop_add_timer(loop, on_refresh, NULL);
    wl_event_source_timer_update(timer, REFRESH_MS);
    wl_display_run(display);
    wl_display_destroy_clients(display);
    wl_display_destroy(display);
    return 0;
}
