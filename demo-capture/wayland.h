/* SPDX-License-Identifier: MIT */
#ifndef WAYLAND_H
#define WAYLAND_H

/*
 * What the files of the Wayland source share. wayland_server.c finds the compositor and the output,
 * wayland_shot.c has it write one picture into a slot, source_wayland.c decides when.
 *
 * Coordinates: *logical* ones are the compositor's for all outputs together, which slurp prints. The
 * *picture* has pixels; with a scale of 2 there are four of them in one logical one.
 */

#include <framering/framering.h>
#include <framering/meta.h>
#include <signal.h>
#include <wayland-client.h>
#include <wlr-screencopy-unstable-v1.h>
#include <xdg-output-unstable-v1.h>

#include "audience.h"
#include "options.h"
#include "rects.h"
#include "source.h"

#define MAX_OUTPUTS 32

struct wayland;

struct wayland_output {
    struct wl_output *output; /* NULL: the place is free */
    struct zxdg_output_v1 *xdg;
    uint32_t global;
    char name[64];
    struct fr_rect logical;
    int32_t refresh; /* thousandths of frames per second */
    int32_t scale;
    int32_t transform;
    uint32_t changes; /* of anything that gives pictures another shape */
};

/* What the compositor writes: wl_shm's words for it, translated. */
struct wayland_shape {
    uint32_t width;
    uint32_t height;
    uint32_t stride;
    uint32_t code; /* wl_shm's number of the format */
};

enum shot_state {
    SHOT_IDLE,
    SHOT_ASKED,   /* the compositor is to say which shape it has */
    SHOT_OFFERED, /* it has; the slot can be given to it */
    SHOT_COPYING,
    SHOT_READY,
    SHOT_FAILED,
};

/* One picture on its way into a slot. */
struct wayland_shot {
    struct wayland *wayland;
    struct zwlr_screencopy_frame_v1 *request; /* NULL when idle */
    enum shot_state state;
    struct wayland_shape shape;
    int has_shape;
    uint32_t changes;    /* of the output when it was asked for */
    struct fr_rect area; /* of the output, logical; 0x0: all of it */
    struct fr_frame *frame;
    int64_t wait_ns; /* for the slot */
    int is_inverted; /* bottom-up */
    struct rects damage;
    int64_t taken_ns; /* by the compositor's clock */
    int64_t ready_ns; /* by ours */
};

/* A slot as the compositor knows it. They are told apart by their place in the ring. */
struct wayland_slot {
    uint64_t offset;
    struct wl_buffer *buffer;
};

struct wayland {
    char display[108]; /* empty is $WAYLAND_DISPLAY */
    char wanted[64];   /* the output's name; empty: found otherwise */
    const volatile sig_atomic_t *stop;
    struct wl_display *connection;
    struct wl_registry *registry;
    struct wl_shm *shm;
    struct zxdg_output_manager_v1 *xdg;
    struct zwlr_screencopy_manager_v1 *manager;
    uint32_t version; /* of manager */
    struct wayland_output outputs[MAX_OUTPUTS];
    struct wayland_output *output; /* the one that is captured */
    struct fr_rect piece;          /* logical; 0x0: all of the output */

    struct fr_writer *writer;
    enum fr_overflow policy;
    struct wl_shm_pool *pool;
    struct wayland_shape shape; /* of the stream, and of all buffers */
    struct wayland_slot slots[FR_MAX_SLOTS];
    uint32_t slot_count;

    uint64_t slot_size; /* that the shape needs */
    int has_damage;     /* the compositor tells what changed, and waits until something does */
    int has_cursor;
    struct wayland_shot next;   /* the next picture */
    struct wayland_shot repeat; /* one for the sake of those who joined late */
    int is_full;                /* no slot was free for it, and that is to be counted */
    int has_shown;              /* a frame was published in this ring */
    int has_gap;                /* what changed since then is not known */
    struct rects changed;
    int64_t period_ns; /* between pictures, if the user chose one */
    int64_t ask_ns;    /* the next picture is not asked for, or given a slot, before this */
    int64_t due_ns;    /* when a frame is published though nothing changed */
    int64_t base_ns;   /* the compositor's time that is pts 0 */
    int64_t pts;       /* of the last frame; -1: there is none */
    const char *name;  /* of the ring */
    struct audience audience;
};

/* ---- wayland_server.c -------------------------------------------------------------------------- */

/* Connects and finds the output that the options name. It has said what failed. */
enum source_result wayland_connect(struct wayland *wayland);

/* Takes what the compositor has told; waits for that, up to a time. It has said what failed. */
enum source_result wayland_listen(struct wayland *wayland, int64_t timeout_ns);

/* Waits until the compositor has done all that it was told before. It has said what failed. */
enum source_result wayland_settle(struct wayland *wayland);

/* The part of the output that is wanted, logical, from its corner; 0x0: it lies outside. */
struct fr_rect wayland_area(const struct wayland *wayland);

void wayland_disconnect(struct wayland *wayland);

/* ---- wayland_shot.c ---------------------------------------------------------------------------- */

/* fr_format of wl_shm's number, or FR_FORMAT_NONE. */
enum fr_format wayland_format(uint32_t code);

int wayland_has_shape(const struct wayland_shape *a, const struct wayland_shape *b);

/* Gives the ring to the compositor; the ring before it is let go. It has said what failed. */
enum source_result wayland_attach_memory(struct wayland *wayland);

/* Lets go of the ring, or only of its slots, which are about to have another shape. */
void wayland_detach_memory(struct wayland *wayland);
void wayland_forget_buffers(struct wayland *wayland);

/* Asks for a picture; the shot must be idle. */
void wayland_shot_ask(struct wayland *wayland, struct wayland_shot *shot);

/* Has the picture written into the shot's frame, with_damage: as soon as something has changed. */
void wayland_shot_copy(struct wayland *wayland, struct wayland_shot *shot, int with_damage);

/* The request is forgotten, the frame kept: the compositor may write into it until it has settled. */
void wayland_shot_drop(struct wayland_shot *shot);

/* What changed, in the picture; rather too much than too little, for compositors differ. */
void wayland_shot_damage(const struct wayland *wayland, const struct wayland_shot *shot,
                         struct rects *changed);

#endif
