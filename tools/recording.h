/* SPDX-License-Identifier: MIT */
#ifndef RECORDING_H
#define RECORDING_H

/*
 * Files of recorded frames: everything that a reader of the stream was given, bit by bit. A file is
 * good up to its last whole frame, wherever it was cut off, because each frame says its length twice
 * and carries checksums; nothing is ever changed that was written before.
 *
 * All numbers are little-endian, offsets count from the start of the part, crc is zlib's crc32.
 *
 *      file    = header, record, record, …
 *      header  = 64 bytes: "FRAMEREC", u32 version 1, u32 bytes of the header, i64 when it began
 *                (nanoseconds since 1970), i64 the same on the clock of the frames' times, 28 bytes
 *                of 0, u32 crc of the 60 bytes before
 *      record  = head, metadata, pixels, trailer; its length is a multiple of 8
 *      head    = struct recording_head below, whose last word is the crc of the words before
 *      metadata= entries of u32 type, u32 bytes, the bytes, and 0 up to a multiple of 8. Those of
 *                the frame as they are, but damage (type 1) as struct fr_rect each, counted from the
 *                frame that was recorded before
 *      pixels  = plane after plane, row after row from the top, without padding; then 0 up to a
 *                multiple of 8
 *      trailer = u32 crc of metadata and pixels, u32 RECORDING_END, u64 length of the whole record
 */

#include <framering/framering.h>

#define RECORDING_FRAME 0x4d415246u /* "FRAM" */
#define RECORDING_END 0x444e4546u   /* "FEND" */
#define RECORDING_MAX_META 8192

struct recording_head {
    uint32_t magic;      /* RECORDING_FRAME */
    uint32_t head_bytes; /* of this struct */
    uint64_t length;     /* of the whole record */
    uint64_t sequence;
    uint64_t session;
    uint64_t skipped; /* lost between the record before and this one */
    uint64_t overwritten;
    uint64_t dropped;
    uint64_t pixel_bytes;
    uint32_t meta_bytes;
    uint32_t format; /* enum fr_format, a DRM fourcc */
    uint32_t width;
    uint32_t height;
    int64_t pts;
    int64_t duration;
    int32_t time_base[2];
    int32_t frame_rate[2];
    int32_t sample_aspect[2];
    int64_t capture_ns; /* clock of the machine that recorded */
    int64_t publish_ns;
    uint64_t source_number;
    uint64_t source_drops;
    uint32_t flags;
    uint8_t color[5]; /* range, primaries, transfer, matrix, chroma location */
    uint8_t reserved[3];
    uint32_t crc;
};

/* ---- Writing ----------------------------------------------------------------------------------- */

struct recorder;

/* Makes the file, or empties it. 0, or the system's code. */
int recorder_create(const char *path, struct recorder **out);

/*
 * Adds a frame that is being read. After a failure the file ends with the last whole frame, and
 * nothing can be added any more. 0, or the system's code.
 */
int recorder_add(struct recorder *recorder, const struct fr_frame *frame);

uint64_t recorder_bytes(const struct recorder *recorder);

/* 0, or the system's code for what could not be written. */
int recorder_close(struct recorder **recorder);

/* ---- Reading ----------------------------------------------------------------------------------- */

struct recording;

/* What is in a file. */
struct recording_info {
    uint64_t frames;     /* whole ones */
    uint64_t slot_size;  /* that the largest needs in a ring */
    uint64_t rest_bytes; /* behind the last whole frame: it was cut off there */
};

enum recording_result {
    RECORDING_OK,
    RECORDING_DAMAGED, /* the frame's checksum is wrong: left out */
    RECORDING_FULL,    /* FR_ETIMEDOUT: no slot was free */
    RECORDING_FAILED,  /* see the error */
};

/* Opens a file and looks through it. 0; FR_EFOREIGN it is no recording; FR_EVERSION; or the system's. */
int recording_open(const char *path, struct recording **out, struct recording_info *info);
void recording_close(struct recording **recording);

/* Goes to the next whole frame, from the last to the first, and tells its head. */
const struct recording_head *recording_next(struct recording *recording);

/*
 * Makes a frame of what recording_next went to, in a free slot of the ring: everything but its times
 * of capture and publication, which are now. with_damage: the frame published before is the one that
 * was recorded before. *frame is NULL unless the result is RECORDING_OK.
 */
enum recording_result recording_fill(struct recording *recording, struct fr_writer *writer,
                                     int with_damage, int64_t timeout_ns, struct fr_frame **frame,
                                     int *error);

#endif
