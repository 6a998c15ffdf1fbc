/* SPDX-License-Identifier: MIT */

/*
 * The X server: connecting, its pixels, its extensions, and the window that is wanted. A window is
 * redirected (Composite), so that it is seen whole also behind others.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/composite.h>

#include "report.h"
#include "x11.h"

#define MAX_DEPTH 16 /* of windows in windows that are searched for a name */
#define TITLE_WORDS 256
#define DAMAGE_MAJOR 1
#define DAMAGE_MINOR 1
#define XFIXES_MAJOR 5

enum source_result x11_lost_server(void)
{
    report_error("the X server closed the connection");
    return SOURCE_FAILED;
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
static int has_bgrx_masks(const xcb_screen_t *screen, xcb_visualid_t id)
{
    xcb_depth_iterator_t depth = xcb_screen_allowed_depths_iterator(screen);
    for (; depth.rem > 0; xcb_depth_next(&depth)) {
        xcb_visualtype_iterator_t visual = xcb_depth_visuals_iterator(depth.data);
        for (; visual.rem > 0; xcb_visualtype_next(&visual))
            if (visual.data->visual_id == id)
                return visual.data->red_mask == 0xff0000 && visual.data->green_mask == 0xff00 &&
                       visual.data->blue_mask == 0xff;
    }
    return 0;
}

static enum source_result check_pixels(xcb_connection_t *connection, const xcb_screen_t *screen,
                                       uint8_t depth, xcb_visualid_t visual)
{
    const xcb_setup_t *setup = xcb_get_setup(connection);
    xcb_format_iterator_t i = xcb_setup_pixmap_formats_iterator(setup);
    for (; i.rem > 0 && setup->image_byte_order == XCB_IMAGE_ORDER_LSB_FIRST; xcb_format_next(&i))
        if (i.data->depth == depth && i.data->bits_per_pixel == 8 * PIXEL_BYTES &&
            has_bgrx_masks(screen, visual))
            return SOURCE_OK;
    report_error("the screen has a depth of %d bits, demo-capture needs 24 with red, green "
                 "and blue in the usual places (Xvfb: -screen 0 1920x1080x24)",
                 depth);
    return SOURCE_FAILED;
}

int x11_window_size(const struct x11 *x11, uint32_t *width, uint32_t *height)
{
    xcb_generic_error_t *error = NULL;
    xcb_get_geometry_reply_t *window =
        xcb_get_geometry_reply(x11->connection, xcb_get_geometry(x11->connection, x11->window),
                               &error);
    int result = window ? 0 : error ? error->error_code : -1;
    *width = window ? window->width : 0;
    *height = window ? window->height : 0;
    free(window);
    free(error);
    return result;
}

static xcb_atom_t find_atom(xcb_connection_t *connection, const char *name)
{
    xcb_intern_atom_reply_t *reply =
        xcb_intern_atom_reply(connection,
                              xcb_intern_atom(connection, 1, (uint16_t)strlen(name), name), NULL);
    xcb_atom_t atom = reply ? reply->atom : XCB_ATOM_NONE;
    free(reply);
    return atom;
}

static int has_title(xcb_connection_t *connection, xcb_window_t window, xcb_atom_t property,
                     const char *title)
{
    xcb_get_property_reply_t *reply =
        xcb_get_property_reply(connection,
                               xcb_get_property(connection, 0, window, property,
                                                XCB_GET_PROPERTY_TYPE_ANY, 0, TITLE_WORDS),
                               NULL);
    size_t length = strlen(title);
    int is_equal = reply && (size_t)xcb_get_property_value_length(reply) == length &&
                   memcmp(xcb_get_property_value(reply), title, length) == 0;
    free(reply);
    return is_equal;
}

/* The first window below that one whose title is that; the uppermost are looked at first. */
static xcb_window_t find_title(xcb_connection_t *connection, xcb_window_t parent,
                               xcb_atom_t net_name, const char *title, int depth)
{
    xcb_query_tree_reply_t *tree =
        xcb_query_tree_reply(connection, xcb_query_tree(connection, parent), NULL);
    xcb_window_t found = XCB_NONE;
    const xcb_window_t *children = tree ? xcb_query_tree_children(tree) : NULL;
    for (int i = tree ? xcb_query_tree_children_length(tree) : 0; i > 0 && !found; i--) {
        xcb_window_t child = children[i - 1];
        if (has_title(connection, child, XCB_ATOM_WM_NAME, title) ||
            (net_name && has_title(connection, child, net_name, title)))
            found = child;
        else if (depth > 0)
            found = find_title(connection, child, net_name, title, depth - 1);
    }
    free(tree);
    return found;
}

/* Windows behind others have pixels only if they are drawn elsewhere first. */
static void redirect_window(const struct x11 *x11)
{
    const xcb_query_extension_reply_t *composite =
        xcb_get_extension_data(x11->connection, &xcb_composite_id);
    if (!composite || !composite->present)
        return;
    free(xcb_composite_query_version_reply(x11->connection,
                                           xcb_composite_query_version(x11->connection, 0, 4),
                                           NULL));
    xcb_composite_redirect_window(x11->connection, x11->window, XCB_COMPOSITE_REDIRECT_AUTOMATIC);
}

static enum source_result find_window(struct x11 *x11, const struct options *options,
                                      const xcb_screen_t *screen)
{
    xcb_connection_t *connection = x11->connection;
    x11->window = options->window_id;
    if (options->window_name)
        x11->window = find_title(connection, x11->root, find_atom(connection, "_NET_WM_NAME"),
                                 options->window_name, MAX_DEPTH);
    if (x11->window == XCB_NONE) {
        report_error("there is no window with the title '%s'; xwininfo -root -tree lists them",
                     options->window_name);
        return SOURCE_FAILED;
    }
    xcb_get_window_attributes_reply_t *attributes =
        xcb_get_window_attributes_reply(connection,
                                        xcb_get_window_attributes(connection, x11->window), NULL);
    xcb_get_geometry_reply_t *geometry =
        xcb_get_geometry_reply(connection, xcb_get_geometry(connection, x11->window), NULL);
    enum source_result result = SOURCE_FAILED;
    if (!attributes || !geometry)
        report_error("there is no window 0x%" PRIx32 "; xwininfo tells the number of one",
                     x11->window);
    else if (attributes->map_state != XCB_MAP_STATE_VIEWABLE)
        report_error("the window 0x%" PRIx32 " is not on the screen; show it first", x11->window);
    else
        result = check_pixels(connection, screen, geometry->depth, attributes->visual);
    x11->depth = geometry ? geometry->depth : 0;
    free(attributes);
    free(geometry);
    if (result == SOURCE_OK)
        redirect_window(x11);
    return result;
}

static int has_xfixes(xcb_connection_t *connection)
{
    const xcb_query_extension_reply_t *xfixes = xcb_get_extension_data(connection, &xcb_xfixes_id);
    if (!xfixes || !xfixes->present)
        return 0;
    xcb_xfixes_query_version_reply_t *version =
        xcb_xfixes_query_version_reply(connection,
                                       xcb_xfixes_query_version(connection, XFIXES_MAJOR, 0), NULL);
    int has_regions = version && version->major_version >= 2;
    free(version);
    return has_regions;
}

static int has_damage(xcb_connection_t *connection)
{
    const xcb_query_extension_reply_t *damage = xcb_get_extension_data(connection, &xcb_damage_id);
    if (!damage || !damage->present)
        return 0;
    xcb_damage_query_version_reply_t *version = xcb_damage_query_version_reply(
        connection, xcb_damage_query_version(connection, DAMAGE_MAJOR, DAMAGE_MINOR), NULL);
    int is_there = version != NULL;
    free(version);
    return is_there;
}

/* Without these the whole picture is captured every time, and has no cursor. */
static void begin_watching(struct x11 *x11, const struct options *options)
{
    xcb_connection_t *connection = x11->connection;
    x11->cursor.mode = CURSOR_NONE;
    if (!has_xfixes(connection))
        return;
    x11->cursor.mode = options->cursor;
    x11->cursor.is_stale = 1;
    if (x11->cursor.mode != CURSOR_NONE)
        xcb_xfixes_select_cursor_input(connection, x11->root,
                                       XCB_XFIXES_CURSOR_NOTIFY_MASK_DISPLAY_CURSOR);
    if (options->no_damage || !has_damage(connection))
        return;
    x11->damage = xcb_generate_id(connection);
    x11->news = xcb_generate_id(connection);
    x11->scratch = xcb_generate_id(connection);
    xcb_damage_create(connection, x11->damage, x11->window, XCB_DAMAGE_REPORT_LEVEL_NON_EMPTY);
    xcb_xfixes_create_region(connection, x11->news, 0, NULL);
    xcb_xfixes_create_region(connection, x11->scratch, 0, NULL);
}

enum source_result x11_connect(struct x11 *x11, const struct options *options)
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
    x11->root = screen->root;
    x11->window = screen->root;
    x11->depth = screen->root_depth;
    int is_window = options->window_id != 0 || options->window_name != NULL;
    enum source_result result =
        is_window ? find_window(x11, options, screen)
                  : check_pixels(x11->connection, screen, x11->depth, screen->root_visual);
    if (result != SOURCE_OK)
        return result;
    /* To be told of other sizes, and when a window is closed. */
    const uint32_t events = XCB_EVENT_MASK_STRUCTURE_NOTIFY;
    xcb_change_window_attributes(x11->connection, x11->window, XCB_CW_EVENT_MASK, &events);
    begin_watching(x11, options);
    return xcb_connection_has_error(x11->connection) ? x11_lost_server() : SOURCE_OK;
}

static uint8_t event_number(const struct x11 *x11, xcb_extension_t *extension, uint8_t number)
{
    const xcb_query_extension_reply_t *reply = xcb_get_extension_data(x11->connection, extension);
    return reply && reply->present ? (uint8_t)(reply->first_event + number) : 0;
}

void x11_read_events(struct x11 *x11)
{
    const uint8_t damage = event_number(x11, &xcb_damage_id, XCB_DAMAGE_NOTIFY);
    const uint8_t cursor = event_number(x11, &xcb_xfixes_id, XCB_XFIXES_CURSOR_NOTIFY);
    for (xcb_generic_event_t *event = xcb_poll_for_event(x11->connection); event;
         event = xcb_poll_for_event(x11->connection)) {
        uint8_t type = event->response_type & 0x7f;
        if (type == XCB_DESTROY_NOTIFY)
            x11->is_gone = 1;
        if (type == XCB_CONFIGURE_NOTIFY || (damage != 0 && type == damage))
            x11->has_damage = 1;
        if (cursor != 0 && type == cursor)
            x11->cursor.is_stale = 1;
        free(event);
    }
}
