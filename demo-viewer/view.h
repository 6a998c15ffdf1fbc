/* SPDX-License-Identifier: MIT */
#ifndef VIEW_H
#define VIEW_H

/*
 * One stream in a window: the frame that is shown, how the user wants to see it, and what there is
 * to be drawn anew.
 *
 * Threads: that of the window.
 */

#include "cursor.h"
#include "feed.h"
#include "graph.h"
#include "label.h"
#include "layout.h"
#include "painter.h"
#include "rate.h"

struct view {
    struct tally *tally; /* names the stream */
    struct feed *feed;
    struct feed_state state;      /* as of the last look */
    double rate;                  /* new frames a second, as of the last second */
    int64_t rate_ns;              /* when that was */
    const struct fr_frame *frame; /* the one that is shown, held also for screenshots */
    int64_t held_ns;              /* when the feed got it */
    uint64_t shown_session;       /* of the last frame; 0 before the first */
    int is_unshown;               /* the server has not got it yet */

    struct painter painter;
    struct layout layout;
    enum painter_color color;
    int is_paused;
    int is_stepping;
    int hides_cursor;

    struct cursor cursor;
    struct damage damage; /* since the frame that was loaded before */
    int is_all_new;       /* damage is not known */
    double damage_share;  /* of the picture */
    struct fr_rect cursor_before;

    struct rate drawn;
    struct graph graph;
    int64_t load_ns;        /* what the last conversion and upload took */
    int64_t flash_until_ns; /* the damage of the last frame is marked until then */
    int64_t overlay_ns;     /* when the overlay's text was made */
    char overlay_text[2048];
    struct label overlay_label;
    struct label badge_label;
    struct label strip_label;

    SDL_Rect cell;    /* its place in the window; without width if it is not to be seen */
    int strip;        /* the height of the bar above it that has its name; 0 without */
    int64_t drawn_ns; /* when it was last drawn */
    int is_dirty;     /* all of it has to be drawn */
    int has_change;   /* what the frame changed has to be drawn */
    int was_plain;    /* it was drawn without anything over the picture */
};

/* What view_take has found. */
enum view_news {
    VIEW_FRAME = 1 << 0,   /* a new frame; with it may come: */
    VIEW_FIRST = 1 << 1,   /* it is the first one of the stream */
    VIEW_RESIZED = 1 << 2, /* it has another size than the one before */
    VIEW_SESSION = 1 << 3, /* it comes from another ring of the name */
};

/* 0 or FR_ENOMEM. */
int view_open(struct view *view, struct tally *tally);

/* Starts reading the stream that the tally names. 0 or FR_ENOMEM. */
int view_start(struct view *view, const struct options *options, const volatile sig_atomic_t *stop,
               void (*notify)(void *user), void *user);

/* Ends reading; the frame stays. */
void view_stop(struct view *view);

/* Gives back the frame, and begins with nothing to show, of the stream with that name. */
void view_switch(struct view *view, const char *name);

void view_close(struct view *view, const struct canvas *canvas);

/* Takes the newest frame if there is one. The sum of some VIEW_..., 0 for nothing. */
unsigned view_take(struct view *view);

/* Gets the frame ready to be painted, after it came or was wanted differently (is_anew). 0, or -1
 * and *why says what is wrong. */
int view_load(struct view *view, struct canvas *canvas, int is_anew, const char **why);

/* Where the picture is on the screen, or would be. */
SDL_Rect view_place(const struct view *view);

/* The part of the cell that the picture has; in a grid the name stands above it. */
SDL_Rect view_area(const struct view *view);

#endif
