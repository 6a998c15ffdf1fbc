/* SPDX-License-Identifier: MIT */
#ifndef FRAMERING_META_H
#define FRAMERING_META_H

/*
 * What goes with a frame besides its picture: which part of it is new, the mouse cursor, times of
 * the stages it went through, a timecode, and anything of your own.
 *
 *      struct fr_rect changed = { 64, 32, 640, 480 };
 *      fr_frame_set_damage(frame, &changed, 1);
 *
 * Metadata are entries of a type, a size and bytes, at most FR_MAX_META bytes in all. Readers skip
 * the types they do not know. Set them while you write the frame; they travel with it. While you
 * read a frame they are your own copy: nobody can change them under you.
 */

#include <framering/framering.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Types of metadata. Numbers from FR_META_USER on are yours, all others are this list's. */
enum fr_meta_type {
    FR_META_DAMAGE = 1,   /* see fr_frame_damage */
    FR_META_CURSOR = 2,   /* struct fr_cursor, and its picture if it has one */
    FR_META_HDR = 3,      /* struct fr_hdr */
    FR_META_STAGES = 4,   /* struct fr_stages */
    FR_META_TIMECODE = 5, /* struct fr_timecode */
    FR_META_LABEL = 6,    /* UTF-8, without a 0 at its end */
    FR_META_USER = 0x8000,
};

/* The bytes there are for all entries of a frame; each takes 8 more than it holds, and is rounded up
 * to a multiple of 8. */
#define FR_MAX_META 3840

/* ---- Any entry --------------------------------------------------------------------------------- */

/*
 * Sets the entry of that type; it replaces what the frame had of it.
 *
 * Returns: 0; FR_EMSGSIZE there is no room left (the frame has no entry of the type then); FR_EINVAL
 *          also for a frame that is not being written, and for FR_META_DAMAGE
 */
FR_API FR_MUST_CHECK int fr_frame_set_meta(struct fr_frame *frame, uint32_t type, const void *data,
                                           size_t size);

/*
 * The entry of that type: its bytes, aligned to 8, valid until the frame is given back; or NULL.
 * *size is the number of its bytes: a newer writer's may have more than you know, an older one's
 * less.
 */
FR_API const void *fr_frame_meta(const struct fr_frame *frame, uint32_t type, size_t *size);

/* Entry number index, or NULL beyond the last: for those who copy all, known or not. */
FR_API const void *fr_frame_meta_at(const struct fr_frame *frame, size_t index, uint32_t *type,
                                    size_t *size);

/* ---- Damage ------------------------------------------------------------------------------------ */

struct fr_rect {
    int32_t x; /* of the left edge; pixels from the left of the picture */
    int32_t y;
    uint32_t width;
    uint32_t height;
};

#define FR_MAX_DAMAGE 64

/*
 * Tells which rectangles differ from the frame that this writer published before; with count 0,
 * that nothing does. A frame of which nothing was told is new all over. What lies outside the
 * picture is cut off; more than FR_MAX_DAMAGE rectangles become one around them all.
 *
 * Returns: 0; FR_EMSGSIZE too little room left (the frame counts as new all over)
 */
FR_API FR_MUST_CHECK int fr_frame_set_damage(struct fr_frame *frame, const struct fr_rect *rects,
                                             size_t count);

/*
 * Which rectangles differ from frame number since, which is the one the caller has on its screen.
 * Right also when frames in between were skipped or overwritten: those of the last 32 frames are
 * remembered, as one rectangle around them. When it is not known (an older frame, another size or
 * format, since 0, another writer's frames in between) the answer is the whole picture.
 *
 * Returns: how many there are in rects; 0: nothing changed
 */
FR_API size_t fr_frame_damage(const struct fr_frame *frame, uint64_t since,
                              struct fr_rect rects[FR_MAX_DAMAGE]);

/* ---- Entries that everybody should understand -------------------------------------------------- */

/*
 * The mouse cursor, where it is not part of the picture. Its own picture follows the struct, as
 * height rows of width BGRA pixels, premultiplied, without padding; or not, if it would not fit or
 * was sent before under the same serial.
 */
struct fr_cursor {
    int32_t x; /* of the hot spot, in the frame's pixels */
    int32_t y;
    uint32_t hot_x; /* the hot spot within the cursor's picture */
    uint32_t hot_y;
    uint32_t width; /* of the cursor's picture; 0: the cursor is hidden */
    uint32_t height;
    uint32_t serial; /* another number: another picture */
    uint32_t reserved;
};

/* How long the stages before publication took, in nanoseconds; 0 unknown. */
struct fr_stages {
    int64_t wait_ns;    /* for a free slot */
    int64_t grab_ns;    /* from the device or server */
    int64_t convert_ns; /* to another format or size */
    int64_t copy_ns;    /* into the slot */
};

/* Static HDR metadata, in the units of SMPTE ST 2086 and CTA-861.3. */
struct fr_hdr {
    uint16_t primaries[3][2]; /* x and y of red, green, blue, in 0.00002 */
    uint16_t white[2];
    uint32_t max_luminance; /* in 0.0001 cd/m2 */
    uint32_t min_luminance;
    uint16_t max_content_light; /* MaxCLL, cd/m2 */
    uint16_t max_average_light; /* MaxFALL, cd/m2 */
};

/* SMPTE ST 12 timecode. */
struct fr_timecode {
    uint8_t hours;
    uint8_t minutes;
    uint8_t seconds;
    uint8_t frames;
    uint8_t drop_frame; /* 1: of a 29.97 or 59.94 clock that leaves numbers out */
    uint8_t reserved[3];
};

#ifdef __cplusplus
}
#endif

#endif
