/* SPDX-License-Identifier: MIT */
#ifndef WINDOW_H
#define WINDOW_H

/*
 * What the files of the window share: sink_window.c has the loop, window_view.c draws,
 * window_text.c words what is said, window_keys.c does what keys ask for.
 *
 * Threads: all of it belongs to the thread that called SDL_Init.
 */

#include <SDL.h>

#include "convert.h"
#include "feed.h"
#include "rate.h"

enum overlay_level { OVERLAY_OFF, OVERLAY_BRIEF, OVERLAY_FULL };

/* A text on the screen, kept as a texture until it changes. */
struct label {
    char text[1024];
    uint32_t scale;
    SDL_Texture *texture;
    int width;
    int height;
};

struct window {
    const struct options *options;
    const volatile sig_atomic_t *stop;
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_RendererInfo renderer_info;
    uint32_t wake_event;    /* the feed's event */
    SDL_atomic_t is_waking; /* one is on its way */

    struct feed *feed;
    struct feed_state state; /* as of the last look */
    struct convert *convert;
    const struct fr_frame *frame; /* the one that is shown, held for screenshots */
    uint64_t shown_session;       /* of the last frame; 0 before the first */
    SDL_Texture *picture;
    int picture_width;
    int picture_height;

    uint32_t zoom; /* 0 fits the picture to the window; 1 and 2 are times */
    int is_fullscreen;
    int is_on_top;
    int is_vsync;
    int is_paused;
    int is_stepping;
    int has_help;
    enum overlay_level overlay;

    struct rate drawn;
    struct histogram shown; /* from capture to the screen */
    int64_t upload_ns;      /* what the last conversion and upload took */
    char toast[160];
    int64_t toast_until_ns;
    char title[192];
    int64_t title_ns; /* when the title was last looked at */
    struct label overlay_label;
    struct label badge_label;
    struct label toast_label;
    struct label help_label;

    int64_t drawn_ns; /* when it was last drawn */
    int is_dirty;     /* it has to be drawn */
    int is_over;      /* the loop has to end */
    enum status status;
};

/* window_view.c ------------------------------------------------------------------------------ */

/* Puts window->frame into the picture's texture. 0, or -1 and a toast says why. */
int window_upload(struct window *window);

/* Draws everything and shows it. */
void window_draw(struct window *window);

/* The size of the picture on the screen at zoom 1: its pixels, made square. */
void window_picture_size(const struct window *window, int *width, int *height);

/* Makes the window as large as the picture, or as large as the screen has room for. */
void window_fit_to_picture(struct window *window);

/* Gives back all textures. */
void window_forget_textures(struct window *window);

/* window_text.c ------------------------------------------------------------------------------ */

/* Shows a line for some seconds. */
void window_toast(struct window *window, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The texts as of now; empty if there is nothing to say. */
void window_overlay_text(const struct window *window, char *text, size_t size);
void window_badge_text(const struct window *window, char *text, size_t size);
const char *window_help_text(void);

/* Sets the title if it has changed. */
void window_update_title(struct window *window);

/* window_keys.c ------------------------------------------------------------------------------ */

void window_key(struct window *window, SDL_Keycode key);
void window_toggle_fullscreen(struct window *window);

#endif
