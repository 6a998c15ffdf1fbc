/* SPDX-License-Identifier: MIT */

/*
 * The compositor: connecting, its outputs, and waiting for it without ever being stuck in it.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "wayland.h"

#define ANSWER_NS FR_S(5) /* no compositor that works takes longer */
#define FAREWELL_NS FR_MS(500)
#define SLICE_NS FR_MS(100)

static enum source_result lost(const struct wayland *wayland)
{
    const struct wl_interface *interface = NULL;
    int error = wl_display_get_error(wayland->connection);
    if (error == EPROTO) {
        uint32_t code = wl_display_get_protocol_error(wayland->connection, &interface, NULL);
        report_error("the Wayland compositor refused a request (%s, error %" PRIu32
                     "); please report it, with the compositor's name",
                     interface ? interface->name : "unknown", code);
    } else {
        report_error("the Wayland compositor is gone; start demo-capture again when it is back");
    }
    return SOURCE_FAILED;
}

/* ---- Outputs ----------------------------------------------------------------------------------- */

static void note(int32_t *value, int32_t now, struct wayland_output *output)
{
    output->changes += *value != now;
    *value = now;
}

static void on_geometry(void *data, struct wl_output *proxy, int32_t x, int32_t y, int32_t width,
                        int32_t height, int32_t subpixel, const char *make, const char *model,
                        int32_t transform)
{
    (void)proxy, (void)x, (void)y, (void)width, (void)height, (void)subpixel, (void)make;
    (void)model;
    struct wayland_output *output = data;
    note(&output->transform, transform, output);
}

static void on_mode(void *data, struct wl_output *proxy, uint32_t flags, int32_t width,
                    int32_t height, int32_t refresh)
{
    (void)proxy, (void)width, (void)height;
    struct wayland_output *output = data;
    if (!(flags & WL_OUTPUT_MODE_CURRENT))
        return;
    output->refresh = refresh;
    output->changes++;
}

static void on_scale(void *data, struct wl_output *proxy, int32_t scale)
{
    (void)proxy;
    struct wayland_output *output = data;
    note(&output->scale, scale, output);
}

static void on_output_done(void *data, struct wl_output *proxy)
{
    (void)data, (void)proxy;
}

static const struct wl_output_listener output_listener = {
    .geometry = on_geometry,
    .mode = on_mode,
    .done = on_output_done,
    .scale = on_scale,
};

static void on_logical_position(void *data, struct zxdg_output_v1 *proxy, int32_t x, int32_t y)
{
    (void)proxy;
    struct wayland_output *output = data;
    note(&output->logical.x, x, output);
    note(&output->logical.y, y, output);
}

static void on_logical_size(void *data, struct zxdg_output_v1 *proxy, int32_t width, int32_t height)
{
    (void)proxy;
    struct wayland_output *output = data;
    output->logical.width = width > 0 ? (uint32_t)width : 0;
    output->logical.height = height > 0 ? (uint32_t)height : 0;
    output->changes++;
}

static void on_xdg_done(void *data, struct zxdg_output_v1 *proxy)
{
    (void)data, (void)proxy;
}

static void on_xdg_name(void *data, struct zxdg_output_v1 *proxy, const char *name)
{
    (void)proxy;
    struct wayland_output *output = data;
    snprintf(output->name, sizeof output->name, "%s", name);
}

static void on_xdg_description(void *data, struct zxdg_output_v1 *proxy, const char *text)
{
    (void)data, (void)proxy, (void)text;
}

static const struct zxdg_output_v1_listener xdg_listener = {
    .logical_position = on_logical_position,
    .logical_size = on_logical_size,
    .done = on_xdg_done,
    .name = on_xdg_name,
    .description = on_xdg_description,
};

static void add_output(struct wayland *wayland, uint32_t global, uint32_t version)
{
    struct wayland_output *output = wayland->outputs;
    /* The place of the output that is captured stays empty without it. */
    while (output < wayland->outputs + MAX_OUTPUTS && (output->output || output == wayland->output))
        output++;
    if (output == wayland->outputs + MAX_OUTPUTS)
        return;
    output->global = global;
    output->output = wl_registry_bind(wayland->registry, global, &wl_output_interface,
                                      version < 3 ? version : 3);
    wl_output_add_listener(output->output, &output_listener, output);
}

static void remove_output(struct wayland *wayland, uint32_t global)
{
    for (struct wayland_output *output = wayland->outputs; output < wayland->outputs + MAX_OUTPUTS;
         output++) {
        if (!output->output || output->global != global)
            continue;
        if (output->xdg)
            zxdg_output_v1_destroy(output->xdg);
        wl_output_destroy(output->output);
        output->output = NULL;
        output->xdg = NULL;
    }
}

/* ---- The registry ------------------------------------------------------------------------------ */

static void on_global(void *data, struct wl_registry *registry, uint32_t name,
                      const char *interface, uint32_t version)
{
    struct wayland *wayland = data;
    if (strcmp(interface, wl_output_interface.name) == 0)
        add_output(wayland, name, version);
    if (strcmp(interface, wl_shm_interface.name) == 0)
        wayland->shm = wl_registry_bind(registry, name, &wl_shm_interface, 1);
    if (strcmp(interface, zxdg_output_manager_v1_interface.name) == 0)
        wayland->xdg = wl_registry_bind(registry, name, &zxdg_output_manager_v1_interface,
                                        version < 3 ? version : 3);
    if (strcmp(interface, zwlr_screencopy_manager_v1_interface.name) == 0) {
        wayland->version = version < 3 ? version : 3;
        wayland->manager = wl_registry_bind(registry, name, &zwlr_screencopy_manager_v1_interface,
                                            wayland->version);
    }
}

static void on_global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
    (void)registry;
    remove_output(data, name);
}

static const struct wl_registry_listener registry_listener = {
    .global = on_global,
    .global_remove = on_global_remove,
};

/* ---- Waiting ----------------------------------------------------------------------------------- */

/* Sends what is to be sent, and reads if there is something to be read in that time. */
static int exchange(struct wl_display *connection, int64_t timeout_ns)
{
    struct pollfd poll_fd = { .fd = wl_display_get_fd(connection), .events = POLLIN };
    if (wl_display_prepare_read(connection) != 0) /* something lies here that was read before */
        return wl_display_dispatch_pending(connection);
    if (wl_display_flush(connection) < 0) {
        if (errno == EAGAIN)
            poll_fd.events |= POLLOUT;
        else if (errno != EPIPE) { /* then its last words are still to be read */
            wl_display_cancel_read(connection);
            return -1;
        }
    }
    int64_t timeout_ms = timeout_ns > 0 ? (timeout_ns + FR_MS(1) - 1) / FR_MS(1) : 0;
    int is_there = poll(&poll_fd, 1, (int)timeout_ms) > 0 && (poll_fd.revents & ~POLLOUT);
    if (!is_there)
        wl_display_cancel_read(connection);
    else if (wl_display_read_events(connection) < 0)
        return -1;
    return wl_display_dispatch_pending(connection);
}

static enum source_result check_output(const struct wayland *wayland)
{
    if (!wayland->output || wayland->output->output)
        return SOURCE_OK;
    report_error("the output %s was removed; choose another one with -i wayland:NAME",
                 wayland->output->name);
    return SOURCE_FAILED;
}

enum source_result wayland_listen(struct wayland *wayland, int64_t timeout_ns)
{
    return exchange(wayland->connection, timeout_ns) < 0 ? lost(wayland) : check_output(wayland);
}

static void on_settled(void *data, struct wl_callback *callback, uint32_t serial)
{
    (void)callback, (void)serial;
    *(int *)data = 1;
}

/* 1: it has; 0: not in that time, or *stop became true; -1: the connection broke. */
static int settle(const struct wayland *wayland, int64_t timeout_ns,
                  const volatile sig_atomic_t *stop)
{
    static const struct wl_callback_listener listener = { .done = on_settled };
    int is_settled = 0;
    int read = 0;
    int64_t end_ns = fr_now_ns() + timeout_ns;
    struct wl_callback *callback = wl_display_sync(wayland->connection);
    wl_callback_add_listener(callback, &listener, &is_settled);
    while (read >= 0 && !is_settled && !(stop && *stop) && fr_now_ns() < end_ns)
        read = exchange(wayland->connection, SLICE_NS);
    wl_callback_destroy(callback);
    return read < 0 ? -1 : is_settled;
}

enum source_result wayland_settle(struct wayland *wayland)
{
    int settled = settle(wayland, ANSWER_NS, wayland->stop);
    if (settled < 0)
        return lost(wayland);
    if (settled > 0)
        return check_output(wayland);
    if (*wayland->stop)
        return SOURCE_END;
    report_error("the Wayland compositor does not answer; is it stopped?");
    return SOURCE_FAILED;
}

/* ---- Which output ------------------------------------------------------------------------------ */

static int64_t right(struct fr_rect rect)
{
    return (int64_t)rect.x + rect.width;
}

static int64_t bottom(struct fr_rect rect)
{
    return (int64_t)rect.y + rect.height;
}

struct fr_rect wayland_area(const struct wayland *wayland)
{
    struct fr_rect logical = wayland->output->logical;
    struct fr_rect piece = wayland->piece;
    if (piece.width == 0)
        return (struct fr_rect){ .width = logical.width, .height = logical.height };
    piece.x -= logical.x;
    piece.y -= logical.y;
    return rects_clip(piece, logical.width, logical.height);
}

static int holds_corner(const struct wayland_output *output, struct fr_rect piece)
{
    return piece.x >= output->logical.x && piece.y >= output->logical.y &&
           piece.x < right(output->logical) && piece.y < bottom(output->logical);
}

static int is_candidate(const struct wayland *wayland, const struct wayland_output *output)
{
    if (!output->output)
        return 0;
    if (wayland->wanted[0])
        return strcmp(wayland->wanted, output->name) == 0;
    return wayland->piece.width == 0 || holds_corner(output, wayland->piece);
}

/* "HEADLESS-1 (1280x720 at 0,0), …" for messages. */
static char *list_outputs(const struct wayland *wayland)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    const char *separator = "";
    for (size_t i = 0; i < MAX_OUTPUTS; i++) {
        const struct wayland_output *output = &wayland->outputs[i];
        if (!output->output)
            continue;
        fprintf(to, "%s%s (%" PRIu32 "x%" PRIu32 " at %" PRId32 ",%" PRId32 ")", separator,
                output->name, output->logical.width, output->logical.height, output->logical.x,
                output->logical.y);
        separator = ", ";
    }
    fclose(to);
    return text;
}

static void complain(const struct wayland *wayland, size_t candidates)
{
    char *list = list_outputs(wayland);
    const char *there = list && list[0] ? list : "none at the moment";
    if (candidates > 1)
        report_error("there are several outputs: %s; choose one, as -i wayland:%s", there,
                     wayland->output->name);
    else if (wayland->wanted[0])
        report_error("there is no output '%s'; there are: %s", wayland->wanted, there);
    else
        report_error("no output has pixel %" PRId32 ",%" PRId32 "; there are: %s", wayland->piece.x,
                     wayland->piece.y, there);
    free(list);
}

static enum source_result choose_output(struct wayland *wayland)
{
    size_t candidates = 0;
    for (size_t i = 0; i < MAX_OUTPUTS; i++) {
        if (!is_candidate(wayland, &wayland->outputs[i]))
            continue;
        wayland->output = &wayland->outputs[i];
        candidates++;
    }
    if (candidates != 1) {
        complain(wayland, candidates);
        return SOURCE_FAILED;
    }
    struct fr_rect area = wayland_area(wayland);
    struct fr_rect piece = wayland->piece;
    if (piece.width == 0 || (area.width == piece.width && area.height == piece.height))
        return SOURCE_OK;
    report_error("a picture of %" PRIu32 "x%" PRIu32 " at %" PRId32 ",%" PRId32
                 " does not lie inside the output %s; choose another -g",
                 piece.width, piece.height, piece.x, piece.y, wayland->output->name);
    return SOURCE_FAILED;
}

static enum source_result find_outputs(struct wayland *wayland)
{
    for (size_t i = 0; i < MAX_OUTPUTS; i++) {
        struct wayland_output *output = &wayland->outputs[i];
        if (!output->output)
            continue;
        output->xdg = zxdg_output_manager_v1_get_xdg_output(wayland->xdg, output->output);
        zxdg_output_v1_add_listener(output->xdg, &xdg_listener, output);
    }
    enum source_result result = wayland_settle(wayland);
    return result == SOURCE_OK ? choose_output(wayland) : result;
}

/* What libwayland prints by itself is said by us, in a sentence. */
static void keep_silent(const char *format, va_list arguments)
{
    (void)format, (void)arguments;
}

enum source_result wayland_connect(struct wayland *wayland)
{
    wl_log_set_handler_client(keep_silent);
    const char *name = wayland->display[0] ? wayland->display : NULL;
    wayland->connection = wl_display_connect(name);
    if (!wayland->connection) {
        report_error("cannot connect to a Wayland compositor at %s: %s; set XDG_RUNTIME_DIR and "
                     "WAYLAND_DISPLAY as they are inside the session",
                     name ? name : "$WAYLAND_DISPLAY", strerror(errno));
        return SOURCE_FAILED;
    }
    wayland->registry = wl_display_get_registry(wayland->connection);
    wl_registry_add_listener(wayland->registry, &registry_listener, wayland);
    enum source_result result = wayland_settle(wayland);
    if (result != SOURCE_OK)
        return result;
    if (!wayland->manager || !wayland->shm || !wayland->xdg) {
        report_error("this Wayland compositor lets nobody capture its screen by wlr-screencopy, as "
                     "sway and others do, but not GNOME and KDE; use one that does");
        return SOURCE_FAILED;
    }
    return find_outputs(wayland);
}

void wayland_disconnect(struct wayland *wayland)
{
    if (!wayland->connection)
        return;
    if (wl_display_get_error(wayland->connection) == 0)
        (void)settle(wayland, FAREWELL_NS, NULL); /* it must not write any more when we return */
    for (size_t i = 0; i < MAX_OUTPUTS; i++)
        if (wayland->outputs[i].output)
            remove_output(wayland, wayland->outputs[i].global);
    if (wayland->manager)
        zwlr_screencopy_manager_v1_destroy(wayland->manager);
    if (wayland->xdg)
        zxdg_output_manager_v1_destroy(wayland->xdg);
    if (wayland->shm)
        wl_shm_destroy(wayland->shm);
    if (wayland->registry)
        wl_registry_destroy(wayland->registry);
    wl_display_disconnect(wayland->connection);
}
