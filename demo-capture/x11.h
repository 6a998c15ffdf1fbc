/* SPDX-License-Identifier: MIT */
#ifndef X11_H
#define X11_H

/*
 * What the files of the X11 source share. x11_server.c finds the server and the window, x11_grab.c
 * brings pixels into slots, x11_cursor.c knows the mouse cursor, source_x11.c puts them together.
 *
 * Coordinates: the *window* is what is captured, the root or one window; the *picture* is the part
 * of it from x,y on.
 */

#include <framering/framering.h>
#include <framering/meta.h>
#include <signal.h>
#include <xcb/damage.h>
#include <xcb/shm.h>
#include <xcb/xcb.h>
#include <xcb/xfixes.h>

#include "audience.h"
#include "options.h"
#include "rects.h"
#include "source.h"

#define PIXEL_BYTES 4

/* A slot of the ring as the server knows it. They are told apart by their place in the ring. */
struct x11_slot {
    uint64_t offset;
    xcb_pixmap_t pixmap;       /* over the slot's memory; 0 if the server cannot have one there */
    int has_been_tried;        /* whether it can, at the picture's size */
    xcb_xfixes_region_t stale; /* what changed in the window since the slot was filled */
    int is_filled;             /* by us, at the picture's size */
    struct fr_rect cursor;     /* drawn over it, in the picture */
};

struct x11_cursor {
    enum cursor_mode mode;
    int is_stale; /* the server has another shape than ours */
    uint32_t serial;
    uint32_t hot_x;
    uint32_t hot_y;
    uint32_t width; /* 0: there is none */
    uint32_t height;
    uint32_t *pixels; /* BGRA, premultiplied */
    struct fr_rect
        where; /* it stands, its top left corner in the picture; not clipped; 0x0 hidden */
};

struct x11 {
    xcb_connection_t *connection;
    char display[256]; /* for messages; empty is $DISPLAY */
    const volatile sig_atomic_t *stop;
    xcb_window_t root;
    xcb_window_t window;
    uint8_t depth;
    int32_t x; /* of the picture in the window */
    int32_t y;
    uint32_t wanted_width; /* 0: as far as the window reaches */
    uint32_t wanted_height;

    xcb_shm_seg_t segment; /* the ring in the server; 0 if pixels have to be sent */
    int has_pixmaps;       /* the server makes pixmaps of shared memory */
    xcb_gcontext_t gc;
    xcb_damage_damage_t damage;  /* 0: everything is captured every time */
    xcb_xfixes_region_t news;    /* the last damage fetched */
    xcb_xfixes_region_t scratch; /* for a moment within one batch of requests */
    struct x11_slot slots[FR_MAX_SLOTS];
    uint32_t slot_count;

    struct rects changed; /* in the picture, since the last frame published */
    struct x11_cursor cursor;
    struct fr_rect shown_cursor; /* in the frame published last */
    uint32_t shown_serial;
    int has_damage;   /* the server has told of some, or something else makes a frame necessary */
    int has_shown;    /* a frame was published that the next one's damage can refer to */
    int is_gone;      /* the window was closed */
    int64_t due_ns;   /* when a frame is published though nothing changed */
    const char *name; /* of the ring */
    uint64_t shown;   /* frames published in it */
    struct audience audience;
};

/* What one look at the server brought besides the pixels. */
struct x11_look {
    uint32_t width; /* of the window now */
    uint32_t height;
    int64_t grab_ns;
};

/* ---- x11_server.c ------------------------------------------------------------------------------ */

/* Connects and finds the window that the options name. It has said what failed. */
enum source_result x11_connect(struct x11 *x11, const struct options *options);

enum source_result x11_lost_server(void);

/* The size of the window; 0, an X error's number, or -1 if the server is gone. */
int x11_window_size(const struct x11 *x11, uint32_t *width, uint32_t *height);

/* Takes what the server has told meanwhile. */
void x11_read_events(struct x11 *x11);

/* ---- x11_grab.c -------------------------------------------------------------------------------- */

/*
 * Gives the ring to the server, as far as the server can take it; the ring before it is let go.
 * If that fails pixels are copied, so there is nothing to report.
 */
void x11_attach_memory(struct x11 *x11, const struct fr_writer *writer);

/* What the slots hold is of no use any more: the picture has another size, or others wrote there. */
void x11_forget_pictures(struct x11 *x11, int has_new_size);

/*
 * Brings the picture into the frame, without a cursor, and looks where the pointer is: all at one
 * moment of the server's time. Returns 0, an X error's number, or -1 if the server is gone.
 */
int x11_grab(struct x11 *x11, struct fr_frame *frame, struct x11_look *look);

/* Remembers that the slot of that frame has a cursor on it. */
void x11_mark_cursor(struct x11 *x11, const struct fr_frame *frame, struct fr_rect where);

/* ---- x11_cursor.c ------------------------------------------------------------------------------ */

/* Asks the server for the cursor's shape if it is another one. */
void x11_cursor_refresh(struct x11 *x11);

/* Where the pointer is now, into cursor.where. NULL, of a server that does not tell, is nowhere. */
void x11_cursor_place(struct x11 *x11, const xcb_query_pointer_reply_t *pointer);

/* Whether a picture of that size looks different from the last published because of the cursor. */
int x11_cursor_has_changed(const struct x11 *x11, uint32_t width, uint32_t height);

/* Puts it over the picture; returns where it did. */
struct fr_rect x11_cursor_draw(const struct x11_cursor *cursor, struct fr_frame *frame);

/* Sends it as metadata of the frame. */
void x11_cursor_describe(const struct x11_cursor *cursor, struct fr_frame *frame);

#endif
