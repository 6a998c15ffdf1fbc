/* SPDX-License-Identifier: MIT */
#ifndef WINDOW_H
#define WINDOW_H

/*
 * What the files of the window share: sink_window.c has the loop, window_draw.c draws,
 * window_text.c and window_overlay.c word what is said, window_keys.c and window_mouse.c do what the
 * user asks for.
 *
 * Threads: all of it belongs to the thread that called SDL_Init.
 */

#include <SDL.h>

#include "canvas.h"
#include "view.h"

enum overlay_level { OVERLAY_OFF, OVERLAY_BRIEF, OVERLAY_FULL };

struct window {
    const struct options *options;
    const volatile sig_atomic_t *stop;
    SDL_Window *window;
    struct canvas canvas;
    uint32_t wake_event;    /* the feeds' event */
    SDL_atomic_t is_waking; /* one is on its way */

    struct view *views;
    size_t count;
    size_t focus; /* the view that keys are for */
    int is_grid;  /* all views are to be seen, not only that one */

    int is_fullscreen;
    int is_on_top;
    int is_vsync;
    int has_help;
    int has_graph;
    int has_flash; /* what has changed is marked */
    enum overlay_level overlay;
    int64_t overlay_until_ns; /* 0: it stays */

    char toast[160];
    int64_t toast_until_ns;
    char title[192];
    struct label toast_label;
    struct label help_label;

    int was_covered; /* and something lay over all views then */
    int is_dirty;    /* all of it has to be drawn */
    int is_over;     /* the loop has to end */
    enum status status;
};

/* The view that keys are for. */
static inline struct view *window_view(struct window *window)
{
    return &window->views[window->focus];
}

/* True if it is one of those that are to be seen. */
static inline int window_shows(const struct window *window, const struct view *view)
{
    return window->is_grid || view == &window->views[window->focus];
}

/* sink_window.c ------------------------------------------------------------------------------ */

/* Shows another stream in the focused view. */
void window_switch(struct window *window, const char *name);

/* The frame has to be converted again, because the user wants it differently. */
void window_reload(struct window *window, struct view *view);

/* window_draw.c ------------------------------------------------------------------------------ */

/* Draws what has changed and gives it to the server. */
void window_draw(struct window *window);

/* Everything as it would be drawn now; the pixels are the caller's to free. 0 or -1. */
int window_read(struct window *window, struct picture *picture, void **pixels);

/* Makes the window as large as its pictures, or as large as the screen has room for. */
void window_fit_to_picture(struct window *window);

/* One view alone, or all of them. */
void window_set_grid(struct window *window, int is_grid);

/* window_text.c ------------------------------------------------------------------------------ */

/* Shows a line for some seconds. */
void window_toast(struct window *window, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The texts as of now; empty if there is nothing to say. */
void window_badge_text(const struct window *window, const struct view *view, char *text,
                       size_t size);
void window_strip_text(const struct view *view, char *text, size_t size);
const char *window_help_text(void);
const char *window_format_name(const struct fr_frame *frame);

/* Sets the title if it has changed. */
void window_update_title(struct window *window);

/* window_overlay.c --------------------------------------------------------------------------- */

/* The overlay's text, made anew a few times a second: nobody reads faster. */
const char *window_overlay_text(const struct window *window, struct view *view);

/* window_keys.c, window_mouse.c -------------------------------------------------------------- */

void window_key(struct window *window, const SDL_KeyboardEvent *event);
void window_mouse(struct window *window, const SDL_Event *event);
void window_toggle_fullscreen(struct window *window);

#endif
