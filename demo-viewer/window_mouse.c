/* SPDX-License-Identifier: MIT */

/*
 * What the mouse does: a click on a view of the grid enlarges it, a double click fills the screen,
 * dragging moves the picture and the wheel zooms where the mouse is.
 */

#include "window.h"

#include <math.h>

#define WHEEL_ZOOM 1.1

static struct view *view_at(struct window *window, int x, int y)
{
    const SDL_Point point = { x, y };
    for (size_t i = 0; i < window->count; i++)
        if (SDL_PointInRect(&point, &window->views[i].cell))
            return &window->views[i];
    return NULL;
}

static void press(struct window *window, const SDL_MouseButtonEvent *button)
{
    if (button->button != SDL_BUTTON_LEFT)
        return;
    if (button->clicks == 2) {
        window_toggle_fullscreen(window);
        return;
    }
    struct view *view = view_at(window, button->x, button->y);
    if (!window->is_grid || !view)
        return;
    window->focus = (size_t)(view - window->views);
    window_set_grid(window, 0);
}

static void drag(struct window *window, const SDL_MouseMotionEvent *motion)
{
    struct view *view = window_view(window);
    if (!(motion->state & SDL_BUTTON_LMASK) || window->is_grid)
        return;
    view->layout.pan_x += motion->xrel;
    view->layout.pan_y += motion->yrel;
    view->is_dirty = 1;
}

static void zoom(struct window *window, int notches)
{
    int x;
    int y;
    SDL_GetMouseState(&x, &y);
    struct view *view = view_at(window, x, y);
    if (!view || !view->frame)
        return;
    int width;
    int height;
    layout_size(&view->layout, view->frame, &width, &height);
    const SDL_Rect area = view_area(view);
    layout_zoom(&view->layout, pow(WHEEL_ZOOM, notches), width, height, &area, x, y);
    view->is_dirty = 1;
}

void window_mouse(struct window *window, const SDL_Event *event)
{
    if (event->type == SDL_MOUSEBUTTONDOWN)
        press(window, &event->button);
    else if (event->type == SDL_MOUSEMOTION)
        drag(window, &event->motion);
    else if (event->type == SDL_MOUSEWHEEL)
        zoom(window, event->wheel.y);
}
