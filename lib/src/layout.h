/* SPDX-License-Identifier: MIT */
#ifndef FRI_LAYOUT_H
#define FRI_LAYOUT_H

/*
 * Floor 2: every struct that lives in shared memory. FORMAT.md describes the same bytes for those
 * who read them without this file; tests/test_layout.c holds the two together.
 *
 * Rules: fixed-width integers, little-endian, natural alignment; no pointer, size_t, enum, bool or
 * bit-field. All zero is the valid first state of everything but the identity and ring head. What
 * two sides write in turn stands on lines of its own, 128 bytes apart, because processors fetch
 * cache lines in pairs.
 */

#include <stddef.h>

#include "atomic.h"

#define FRI_MAGIC UINT64_C(0x474e494d41524601) /* bytes 01 "FRAMING" */
#define FRI_WIRE_MAJOR 1
#define FRI_WIRE_MINOR 0
#define FRI_ENDIAN_TAG UINT32_C(0x01020304)

#define FRI_PAGE 4096
#define FRI_LINE 128
#define FRI_MEMBERS 64
#define FRI_LOCKERS 256
#define FRI_LOCKER_WORDS (FRI_LOCKERS / 64)

/* ---- Lock space: bytes that are never data, see fri_lock_try ---------------------------- */

enum {
    FRI_LOCK_MEMBER = 0,   /* + p: member p of a ring is alive */
    FRI_LOCK_OWNER = 64,   /* + p: member p is a writer; + 0: the owner of a region */
    FRI_LOCK_OWNERS = 64,  /* how many; all of them locked = no owner lives, and I may take over */
    FRI_LOCK_LOCKER = 256, /* + i: user i of a region's lock is alive */
    FRI_LOCK_PIN = 4096,   /* + n: shared: an observer holds slot n */
};

/* ---- Features that whoever opens an object must know -------------------------------------- */

enum {
    FRI_FEATURE_OBSERVERS = 1 << 0, /* writers look at FRI_LOCK_PIN, and wake without being asked */
    FRI_FEATURES_KNOWN = FRI_FEATURE_OBSERVERS,
};

/* ---- Identity: bytes 0 to 255 of every object -------------------------------------------- */

/*
 * Written once, before the object gets its name; copied and checked when it is opened, and never
 * read again. Unused fields are 0.
 */
struct fri_identity {
    uint64_t magic;
    uint16_t wire_major;
    uint16_t wire_minor;
    uint32_t endian_tag;
    uint32_t kind;          /* enum fr_kind */
    uint32_t identity_size; /* of this struct as the creator knew it */
    uint64_t total_size;    /* of the object */
    uint64_t session;       /* random */
    int64_t created_ns;
    uint64_t required_features; /* FRI_FEATURE_… */
    uint64_t optional_features; /* bits that it may ignore; none yet */
    uint64_t data_offset;       /* where the user's bytes or the slots' payloads begin; a page */

    uint64_t data_size;    /* region, array: the user's bytes */
    uint64_t element_size; /* array */

    uint32_t slots;       /* ring, from here on */
    uint32_t order_size;  /* entries in the order of publication; a power of two >= 2 * slots */
    uint32_t delivery;    /* enum fr_delivery */
    uint32_t overflow;    /* enum fr_overflow */
    uint64_t slot_size;   /* capacity of a slot */
    uint64_t slot_stride; /* from one payload to the next; a multiple of the page */
    uint64_t members_offset;
    uint64_t order_offset;
    uint64_t slots_offset;

    uint8_t reserved[256 - 144];
};
_Static_assert(sizeof(struct fri_identity) == 256, "identity is 256 bytes");
_Static_assert(offsetof(struct fri_identity, reserved) == 144, "identity has no holes");

/* ---- First page of a region -------------------------------------------------------------- */

struct fri_lock_words {
    fri_word writer; /* rwlock.h tells its states */
    uint8_t pad0[FRI_LINE - 8];
    fri_word readers[FRI_LOCKER_WORDS]; /* bit i: locker i has it shared, or is trying to */
    uint8_t pad1[FRI_LINE - 8 * FRI_LOCKER_WORDS];
    fri_word32 event; /* event.h */
    uint8_t pad2[FRI_LINE - 4];
};

struct fri_region_page {
    struct fri_identity identity;
    uint8_t pad0[512 - 256];
    fri_word32 closed; /* 1: the owner closed it in order */
    uint8_t pad1[FRI_LINE - 4];
    struct fri_lock_words lock;
    uint8_t pad2[FRI_PAGE - 640 - 3 * FRI_LINE];
};
_Static_assert(offsetof(struct fri_region_page, closed) == 512, "region: closed");
_Static_assert(offsetof(struct fri_region_page, lock) == 640, "region: lock");
_Static_assert(sizeof(struct fri_region_page) == FRI_PAGE, "region: one page");

/* ---- First page of a ring ----------------------------------------------------------------- */

struct fri_ring_page {
    struct fri_identity identity;
    uint8_t pad0[512 - 256];

    /* line 512: who is here; changes when members come and go */
    fri_word attached; /* bit p: place p is in use; a hint whom to probe */
    fri_word writers;  /* bit p: member p is a writer */
    fri_word gating;   /* bit p: writers of an FR_BLOCK broadcast wait for reader p's cursor */
    fri_word32 closed; /* 1: the last writer closed in order */
    uint8_t pad1[FRI_LINE - 28];

    /* line 640: written by publishers */
    fri_word tail; /* the last sequence number whose publication is complete; a hint, see order.h */
    uint8_t pad2[FRI_LINE - 8];

    /* line 768: written by readers of a queue; starts at 1 */
    fri_word head; /* the next sequence number to take */
    uint8_t pad3[FRI_LINE - 8];

    /* lines 896 and 1024: futex words, event.h */
    fri_word32 data_event; /* something was published, or the ring closed */
    uint8_t pad4[FRI_LINE - 4];
    fri_word32 space_event; /* a slot may have become free */
    uint8_t pad5[FRI_LINE - 4];

    /* line 1152: counters of what was lost; rarely written */
    fri_word dropped;     /* FR_DROP_NEWEST: acquires that found no slot */
    fri_word overwritten; /* queue, FR_DROP_OLDEST: items that nobody read */
    fri_word unreported;  /* of these, not yet told to any reader */
    uint8_t pad6[FRI_PAGE - 1152 - 24];
};
_Static_assert(offsetof(struct fri_ring_page, attached) == 512, "ring: members line");
_Static_assert(offsetof(struct fri_ring_page, tail) == 640, "ring: tail line");
_Static_assert(offsetof(struct fri_ring_page, head) == 768, "ring: head line");
_Static_assert(offsetof(struct fri_ring_page, data_event) == 896, "ring: data event line");
_Static_assert(offsetof(struct fri_ring_page, space_event) == 1024, "ring: space event line");
_Static_assert(offsetof(struct fri_ring_page, dropped) == 1152, "ring: counters line");
_Static_assert(sizeof(struct fri_ring_page) == FRI_PAGE, "ring: one page");

#define FRI_BINS 32

/*
 * What a member did so far, for those who look on; nobody decides anything by it. Written with
 * relaxed stores by its handle's thread, but for what giving back counts, which any thread may do.
 */
struct fri_tally {
    /* line 0: who it is */
    fri_word program[2]; /* 16 bytes of text */
    fri_word joined_ns;
    uint8_t pad0[FRI_LINE - 24];
    /* line 1 */
    fri_word lent;     /* slots that it was lent so far */
    fri_word aborted;  /* and gave back unseen */
    fri_word sequence; /* of the newest item that it got, or published */
    fri_word timeouts;
    fri_word waits;
    fri_word waited_ns;
    fri_word skipped; /* losses of a reader */
    fri_word overwritten;
    fri_word dropped;
    uint8_t pad1[FRI_LINE - 72];
    /* lines 2 and 4: frames; bin i counts 2^i up to 2^(i+1) nanoseconds */
    fri_word
        latency[FRI_BINS];   /* writer: capture to publication; reader: publication to delivery */
    fri_word hold[FRI_BINS]; /* from lending to giving back */
};

/* One of the FRI_MEMBERS places of a ring. Only its holder writes it. */
struct fri_member {
    fri_word cursor; /* reader of a broadcast: the next sequence number it will read, or lower */
    fri_word incarnation; /* how many members have had this place */
    fri_word32 process;   /* for people who look on */
    uint8_t pad[FRI_LINE - 20];
    struct fri_tally tally;
};
_Static_assert(offsetof(struct fri_member, tally) == FRI_LINE, "member: first line");
_Static_assert(offsetof(struct fri_tally, lent) == 128, "tally: counters line");
_Static_assert(offsetof(struct fri_tally, latency) == 256, "tally: latency");
_Static_assert(offsetof(struct fri_tally, hold) == 512, "tally: hold");
_Static_assert(sizeof(struct fri_member) == (size_t)7 * FRI_LINE, "member: seven lines");

/* The words of one slot; the payload lies elsewhere, in pages with a protection of their own. */
struct fri_slot {
    /* line 0 */
    fri_word control; /* slot.h tells its states */
    fri_word pins;    /* broadcast: bit p = member p is reading it, or about to find out */
    uint8_t pad0[48];
    /* line 1: written by the slot's writer before it publishes */
    fri_word used; /* bytes of payload */
    uint8_t pad1[56];
};
_Static_assert(sizeof(struct fri_slot) == FRI_LINE, "slot: one line");
_Static_assert(offsetof(struct fri_slot, used) == 64, "slot: second half");

/* ---- Frames: the first page of a slot's payload ------------------------------------------- */

#define FRI_FRAME_MAGIC UINT32_C(0x4d415246) /* bytes "FRAM" */
#define FRI_FRAME_MAJOR 1
#define FRI_FRAME_MINOR 1 /* 1: metadata */

struct fri_frame_plane {
    uint64_t offset; /* of the top row's first byte, from the start of the payload */
    int32_t stride;
    uint32_t reserved;
};

/* The picture begins at image_offset >= header_size; the bytes between are for newer headers. */
struct fri_frame_header {
    uint32_t magic;
    uint16_t major;
    uint16_t minor;
    uint32_t header_size;
    uint32_t flags;
    uint64_t image_offset;
    uint64_t image_size; /* to the end of the padding behind the last plane */

    uint32_t format; /* DRM fourcc */
    uint32_t width;
    uint32_t height;
    uint32_t planes;
    struct fri_frame_plane plane[4];

    int64_t pts;
    int64_t duration;
    int64_t capture_ns;
    int64_t publish_ns;
    int32_t time_base_num;
    int32_t time_base_den;
    int32_t frame_rate_num;
    int32_t frame_rate_den;
    int32_t sample_aspect_num;
    int32_t sample_aspect_den;

    uint8_t color_range;
    uint8_t color_primaries;
    uint8_t color_transfer;
    uint8_t color_matrix;
    uint8_t chroma_location;
    uint8_t reserved0[3];

    uint64_t source_number;
    uint64_t source_drops;
    uint32_t meta_offset; /* from the start of the payload: entries of metadata, meta.h */
    uint32_t meta_size;   /* bytes of all of them; 0 none */
    uint8_t reserved1[256 - 200];
};
_Static_assert(offsetof(struct fri_frame_header, plane) == 48, "frame: planes");
_Static_assert(offsetof(struct fri_frame_header, pts) == 112, "frame: times");
_Static_assert(offsetof(struct fri_frame_header, color_range) == 168, "frame: colour");
_Static_assert(offsetof(struct fri_frame_header, meta_offset) == 192, "frame: metadata");
_Static_assert(offsetof(struct fri_frame_header, reserved1) == 200, "frame: no holes");
_Static_assert(sizeof(struct fri_frame_header) == 256, "frame: 256 bytes");

/*
 * Metadata stand between the header and the picture, as entries: this, then size bytes, then zeros
 * up to a multiple of 8.
 */
#define FRI_META_ROOM (FRI_PAGE - 256)

struct fri_meta_entry {
    uint32_t type;
    uint32_t size;
};
_Static_assert(sizeof(struct fri_meta_entry) == 8, "metadata: entry");

#define FRI_DAMAGE_HISTORY 32

struct fri_rect {
    int32_t x;
    int32_t y;
    uint32_t width;
    uint32_t height;
};

/* The entry of type 1, damage; count rectangles follow. */
struct fri_damage {
    uint64_t base; /* the number of the frame that this one differs from */
    uint32_t count;
    uint32_t history;                         /* how many of the next are valid */
    struct fri_rect past[FRI_DAMAGE_HISTORY]; /* i: around what differs from frame base - 1 - i */
};
_Static_assert(sizeof(struct fri_damage) == 528, "metadata: damage");

#endif
