/* SPDX-License-Identifier: MIT */

/*
 * Draws the window: the pictures, and texts over them. While nothing lies over a picture that is
 * shown pixel for pixel (or a whole number of times as large), only what its frames changed is drawn
 * and given to the server.
 */

#include "window.h"

#include <stdlib.h>

#define STRIP_HEIGHT 28 /* of the bar with a view's name, in a grid */
#define BLACK 0xff000000u
#define DIM 0x80000000u
#define FLASH_FILL 0x40ff3030u
#define FLASH_EDGE 0xffff3030u
#define STRIP_COLOR 0xff24292fu
#define FOCUS_COLOR 0xff2f6fd0u
#define MAX_PARTS 128

/* What has to be given to the server. */
struct parts {
    SDL_Rect rect[MAX_PARTS];
    int count;
};

static void add_part(struct parts *parts, const SDL_Rect *rect)
{
    if (rect->w <= 0 || rect->h <= 0)
        return;
    if (parts->count < MAX_PARTS) {
        parts->rect[parts->count++] = *rect;
        return;
    }
    /* More than there is room for: one around them all. */
    SDL_Rect all = *rect;
    for (int i = 0; i < parts->count; i++)
        SDL_UnionRect(&all, &parts->rect[i], &all);
    parts->rect[0] = all;
    parts->count = 1;
}

/* Something that lies over all views. */
static int is_covered(const struct window *window)
{
    return window->has_help || fr_now_ns() < window->toast_until_ns;
}

static void lay_out(struct window *window)
{
    const struct canvas *canvas = &window->canvas;
    for (size_t i = 0; i < window->count; i++) {
        struct view *view = &window->views[i];
        SDL_Rect cell = { 0, 0, canvas->width, canvas->height };
        if (window->is_grid)
            cell = layout_cell(i, window->count, canvas->width, canvas->height);
        int strip = window->is_grid ? STRIP_HEIGHT : 0;
        if (!window_shows(window, view))
            cell = (SDL_Rect){ 0, 0, 0, 0 };
        if (!SDL_RectEquals(&cell, &view->cell) || strip != view->strip)
            view->is_dirty = 1;
        view->cell = cell;
        view->strip = strip;
    }
}

static void draw_bars(struct canvas *canvas, const SDL_Rect *area, const SDL_Rect *place)
{
    SDL_Rect inner;
    if (!SDL_IntersectRect(area, place, &inner)) {
        canvas_fill(canvas, area, BLACK);
        return;
    }
    int right = inner.x + inner.w;
    int bottom = inner.y + inner.h;
    const SDL_Rect bars[] = {
        { area->x, area->y, area->w, inner.y - area->y },
        { area->x, bottom, area->w, area->y + area->h - bottom },
        { area->x, inner.y, inner.x - area->x, inner.h },
        { right, inner.y, area->x + area->w - right, inner.h },
    };
    for (size_t i = 0; i < sizeof bars / sizeof bars[0]; i++)
        canvas_fill(canvas, &bars[i], BLACK);
}

static void draw_flash(struct canvas *canvas, const struct view *view, const SDL_Rect *place)
{
    for (size_t i = 0; i < view->damage.count; i++) {
        const SDL_Rect part = layout_part(&view->layout, view->frame, place, &view->damage.rect[i]);
        canvas_fill(canvas, &part, FLASH_FILL);
        canvas_frame(canvas, &part, FLASH_EDGE);
    }
}

static int is_flashing(const struct window *window, const struct view *view)
{
    return window->has_flash && fr_now_ns() < view->flash_until_ns;
}

static int is_dimmed(const struct view *view)
{
    return view->state.signal == FEED_GONE;
}

static void draw_picture(struct window *window, struct view *view, const SDL_Rect *area,
                         const SDL_Rect *clip)
{
    struct canvas *canvas = &window->canvas;
    const SDL_Rect place = view_place(view);
    draw_bars(canvas, area, &place);
    painter_draw(&view->painter, canvas, &place, clip);
    if (!view->hides_cursor)
        cursor_draw(&view->cursor, canvas, &view->layout, view->frame, &place);
    if (is_dimmed(view))
        canvas_fill(canvas, &place, DIM);
    if (is_flashing(window, view))
        draw_flash(canvas, view, &place);
}

static void draw_strip(struct window *window, struct view *view)
{
    struct canvas *canvas = &window->canvas;
    int has_focus = view == window_view(window);
    const SDL_Rect strip = { view->cell.x, view->cell.y, view->cell.w, view->strip };
    char text[160];
    window_strip_text(view, text, sizeof text);
    canvas_fill(canvas, &strip, has_focus ? FOCUS_COLOR : STRIP_COLOR);
    label_draw_at(&view->strip_label, canvas, text, strip.x, strip.y);
}

static void draw_texts(struct window *window, struct view *view, const SDL_Rect *area)
{
    struct canvas *canvas = &window->canvas;
    if (window->has_graph)
        graph_draw(&view->graph, canvas, area);
    label_draw(&view->overlay_label, canvas, window_overlay_text(window, view), area, LABEL_FIRST,
               LABEL_FIRST);
    char text[512];
    window_badge_text(window, view, text, sizeof text);
    label_draw(&view->badge_label, canvas, text, area, LABEL_MIDDLE, LABEL_MIDDLE);
}

/* Draws what of a view lies inside clip. */
static void draw_view(struct window *window, struct view *view, const SDL_Rect *clip)
{
    struct canvas *canvas = &window->canvas;
    const SDL_Rect area = view_area(view);
    SDL_Rect inside;
    if (SDL_IntersectRect(&area, clip, &inside)) {
        canvas_clip(canvas, &inside);
        if (view->frame && painter_has_picture(&view->painter))
            draw_picture(window, view, &area, &inside);
        else
            canvas_fill(canvas, &area, BLACK);
        draw_texts(window, view, &area);
    }
    canvas_clip(canvas, clip);
    if (view->strip > 0)
        draw_strip(window, view);
}

/* Nothing but the picture and its cursor. */
static int is_plain(const struct window *window, const struct view *view)
{
    char text[512];
    window_badge_text(window, view, text, sizeof text);
    return text[0] == '\0' && window->overlay == OVERLAY_OFF && !window->has_graph &&
           !is_flashing(window, view) && !is_dimmed(view);
}

/* The cursor may stand beyond the picture, but is not drawn outside its area. */
static void draw_part(struct window *window, struct view *view, const SDL_Rect *place,
                      const struct fr_rect *part, struct parts *parts)
{
    const SDL_Rect area = view_area(view);
    const SDL_Rect wanted = layout_part(&view->layout, view->frame, place, part);
    SDL_Rect inside;
    if (part->width == 0 || !SDL_IntersectRect(&wanted, &area, &inside))
        return;
    draw_view(window, view, &inside);
    add_part(parts, &inside);
}

static void draw_changes(struct window *window, struct view *view, struct parts *parts)
{
    const SDL_Rect place = view_place(view);
    const struct fr_rect cursor = cursor_part(&view->cursor);
    for (size_t i = 0; i < view->damage.count; i++)
        draw_part(window, view, &place, &view->damage.rect[i], parts);
    draw_part(window, view, &place, &view->cursor_before, parts);
    draw_part(window, view, &place, &cursor, parts);
}

static int can_draw_changes(const struct view *view)
{
    if (view->is_dirty || !view->was_plain || !view->frame)
        return 0;
    const SDL_Rect place = view_place(view);
    return layout_whole(&view->layout, view->frame, &place) > 0;
}

static void draw_views(struct window *window, int is_all, struct parts *parts)
{
    for (size_t i = 0; i < window->count; i++) {
        struct view *view = &window->views[i];
        if (!window_shows(window, view))
            continue;
        int plain = is_plain(window, view);
        if (!is_all && !view->is_dirty && !view->has_change)
            continue;
        if (!is_all && plain && can_draw_changes(view)) {
            draw_changes(window, view, parts);
        } else {
            draw_view(window, view, &view->cell);
            if (!is_all)
                add_part(parts, &view->cell);
        }
        view->was_plain = plain;
        view->drawn_ns = fr_now_ns();
        view->is_dirty = 0;
        view->has_change = 0;
    }
}

static void draw_cover(struct window *window)
{
    struct canvas *canvas = &window->canvas;
    const SDL_Rect all = { 0, 0, canvas->width, canvas->height };
    canvas_clip(canvas, NULL);
    if (fr_now_ns() < window->toast_until_ns)
        label_draw(&window->toast_label, canvas, window->toast, &all, LABEL_MIDDLE, LABEL_LAST);
    if (window->has_help)
        label_draw(&window->help_label, canvas, window_help_text(), &all, LABEL_MIDDLE,
                   LABEL_MIDDLE);
}

/* Draws without giving it to anybody. 0 or -1. */
static int paint(struct window *window, int is_all, struct parts *parts)
{
    struct canvas *canvas = &window->canvas;
    int begun = canvas_begin(canvas);
    if (begun < 0)
        return -1;
    int covered = is_covered(window);
    if (begun > 0 || window->is_dirty || covered || window->was_covered)
        is_all = 1;
    lay_out(window);
    if (is_all) {
        const SDL_Rect all = { 0, 0, canvas->width, canvas->height };
        add_part(parts, &all);
        canvas_clip(canvas, NULL);
        if (window->is_grid)
            canvas_fill(canvas, &all, BLACK); /* the last row may have room left */
    }
    draw_views(window, is_all, parts);
    if (covered)
        draw_cover(window);
    window->was_covered = covered;
    window->is_dirty = 0;
    return 0;
}

/* What the stream's first frames waited for before there was a viewer is not the viewer's doing. */
static void count_shown(struct view *view, int64_t painted_ns, int64_t given_ns)
{
    if (!view->is_unshown || !view->frame)
        return;
    view->is_unshown = 0;
    if (view->frame->publish_ns < view->state.open_ns)
        return;
    tally_show(view->tally, view->frame, view->held_ns, painted_ns, given_ns);
    graph_add(&view->graph, view->frame->capture_ns, given_ns);
}

void window_draw(struct window *window)
{
    struct parts parts = { .count = 0 };
    if (paint(window, 0, &parts) < 0)
        return;
    int64_t painted_ns = fr_now_ns();
    if (parts.count > 0)
        canvas_present(&window->canvas, parts.rect, parts.count);
    int64_t given_ns = fr_now_ns();
    for (size_t i = 0; i < window->count; i++)
        if (window_shows(window, &window->views[i]))
            count_shown(&window->views[i], painted_ns, given_ns);
}

int window_read(struct window *window, struct picture *picture, void **pixels)
{
    struct parts parts = { .count = 0 };
    window->is_dirty = 1;
    int result = paint(window, 1, &parts);
    if (result == 0)
        result = canvas_read(&window->canvas, picture, pixels);
    window->is_dirty = 1;
    return result;
}

void window_set_grid(struct window *window, int is_grid)
{
    if (window->count == 1)
        return;
    window->is_grid = is_grid;
    window->is_dirty = 1;
    SDL_ShowCursor(window->is_fullscreen && !is_grid ? SDL_DISABLE : SDL_ENABLE);
    /* Those that were hidden kept their newest frame, but did not get it ready. */
    for (size_t i = 0; i < window->count; i++)
        if (window_shows(window, &window->views[i]))
            window_reload(window, &window->views[i]);
}

/* The size of the largest picture to be seen; 0 if there is none. */
static void wanted_size(const struct window *window, int *width, int *height)
{
    *width = 0;
    *height = 0;
    for (size_t i = 0; i < window->count; i++) {
        const struct view *view = &window->views[i];
        int wide;
        int high;
        if (!view->frame || !window_shows(window, view))
            continue;
        layout_size(&view->layout, view->frame, &wide, &high);
        *width = SDL_max(*width, wide);
        *height = SDL_max(*height, high);
    }
}

void window_fit_to_picture(struct window *window)
{
    int width;
    int height;
    wanted_size(window, &width, &height);
    if (width == 0 || window->is_fullscreen)
        return;
    if (window->is_grid) {
        const SDL_Rect one = layout_cell(0, window->count, 1 << 16, 1 << 16);
        width *= (1 << 16) / one.w;
        height = (height + STRIP_HEIGHT) * ((1 << 16) / one.h);
    }
    SDL_Rect room;
    int display = SDL_GetWindowDisplayIndex(window->window);
    if (display >= 0 && SDL_GetDisplayUsableBounds(display, &room) == 0 &&
        (width > room.w || height > room.h)) {
        double share = SDL_min((double)room.w / width, (double)room.h / height);
        width = (int)SDL_max(1.0, width * share);
        height = (int)SDL_max(1.0, height * share);
    }
    SDL_SetWindowSize(window->window, width, height);
    SDL_SetWindowPosition(window->window, SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED);
}
