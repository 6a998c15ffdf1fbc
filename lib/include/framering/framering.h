/* SPDX-License-Identifier: MIT */
#ifndef FRAMERING_FRAMERING_H
#define FRAMERING_FRAMERING_H

/*
 * framering: video frames, and any other bytes, between the processes of one Linux machine
 * through shared memory.
 *
 *      writer ──acquire──▶ [slot] fill ──publish──▶ ┌──┬──┬──┬──┐ ──acquire──▶ reader ──release──▶
 *      writer ──acquire──▶ [slot] fill ──publish──▶ │4 │5 │6 │7 │ ──acquire──▶ reader ──release──▶
 *                                                   └──┴──┴──┴──┘
 * A *ring* is a named pool of equal slots and an order in which the filled ones were published.
 * A *frame* is a slot that knows its picture: size, pixel format, planes, colour, times.
 * A *region* is named plain memory with a lock, for state that is not a stream.
 *
 * A publisher (the README's; compiled as tests/readme_writer.c):
 *
 *      struct fr_writer *writer;
 *      struct fr_frame *frame;
 *      uint64_t slot_size = fr_frame_size(1280, 720, FR_FORMAT_BGRX);
 *      if (fr_writer_create("demo", &fr_writer_opts(.slot_size = slot_size), &writer) < 0)
 *          return 1;
 *      while (fr_frame_acquire(writer, 1280, 720, FR_FORMAT_BGRX, FR_FOREVER, &frame) == 0) {
 *          paint(frame->plane[0].data, frame->plane[0].stride);
 *          if (fr_frame_publish(&frame) < 0)
 *              break;
 *      }
 *      fr_writer_close(&writer);
 *
 * A viewer (compiled as tests/readme_reader.c):
 *
 *      struct fr_reader *reader;
 *      const struct fr_frame *frame;
 *      if (fr_reader_open("demo", NULL, FR_FOREVER, &reader) < 0)
 *          return 1;
 *      while (fr_frame_wait(reader, FR_LATEST, FR_FOREVER, &frame) == 0) {
 *          show(frame->plane[0].data, frame->plane[0].stride, frame->width, frame->height);
 *          fr_frame_release(&frame);
 *      }
 *      fr_reader_close(&reader);
 *
 * CAVEATS
 *
 *  - One machine, Linux, 64-bit, little-endian. Objects live in /dev/shm, which containers often
 *    limit to 64 MB; a ring takes all its memory when it is created (FR_ENOSPC then, never a bus
 *    error later). One 1080p BGRA frame is 8.3 MB.
 *  - Peers trust each other with the control words: a member that scribbles over them can spoil
 *    the stream (wrong pixels, lost frames), though not crash or hang its peers. Who may open an
 *    object is decided by its permission bits (0600 unless you say otherwise). A reader maps the
 *    pixels read-only, so that a stray pointer in a viewer cannot damage a frame. A peer that may
 *    write and truncates the object makes the others fault; without a name (section 9) none can.
 *  - A process may die at any instruction; the others go on. What it was writing is never seen,
 *    what it was reading is given back. The kernel tells when a process is gone, usually within a
 *    tenth of a millisecond, for a process with gigabytes of memory up to a second later.
 *  - A process that is stopped is not dead: the slots it holds stay held until it goes on or dies.
 *  - Under FR_BLOCK a reader that does not read holds writers back, by design. A viewer that must
 *    not do so opens with .lossy, or the ring is created with FR_DROP_OLDEST.
 *  - Frames are numbered and ordered by *publication*, not by acquisition: a writer that is slow
 *    between acquire and publish delays only its own frame.
 *  - Handles and what they lent do not pass to children: after fork() their memory is not there, and
 *    calls with them fail with FR_EINVAL. Closing them is allowed. Open again in the child.
 *  - systemd-logind removes a user's shared memory at logout unless RemoveIPC=no (or lingering).
 *
 * CONVENTIONS
 *
 *  - Functions that can fail return 0 (or a count) on success and a negative FR_E… code on
 *    failure; an out parameter is written on success only, and set to NULL on failure if it is a
 *    pointer. A failure of the system that has no FR_E… name comes through as its -errno.
 *    FR_EINVAL always means a bug in the call and is not repeated in each list.
 *  - Functions that take the address of your pointer consume the object; the pointer is NULL
 *    afterwards, and calling again does nothing.
 *  - Timeouts are relative nanoseconds: FR_NOWAIT (0) looks once, FR_FOREVER (any negative value)
 *    has no limit. FR_US, FR_MS and FR_S make them. Nothing else waits. Signals do not end a wait.
 *  - Times are CLOCK_MONOTONIC nanoseconds of this machine (fr_now_ns).
 *  - Option structs may be NULL, and zero is every field's default. Make them with the macro of
 *    the same name, which sets .size: fr_writer_opts(.slots = 4). In C++ declare a variable, set
 *    .size = sizeof it, and the fields.
 *  - Names: 1 to 64 characters of A-Z a-z 0-9 . _ - and not starting with a dot or a dash. Each
 *    user has names of their own; UID:NAME is that of another user, to be opened, not created.
 *    NULL creates an object without a name, to which only descriptors lead.
 *  - Unless it says otherwise a function may be called from any thread, but not at the same time
 *    for one handle. Giving back (publish, abort, release) is allowed from any thread at any time,
 *    also after the handle was closed.
 *  - No function is a cancellation point of threads.
 *  - The library prints nothing (see fr_log_set), starts no thread, installs no signal handler and
 *    does not allocate after a handle was opened.
 *
 * CONTENTS
 *
 *      1  Version, errors, log        6  The lock of a region
 *      2  Pixel formats               7  Random access and arrays
 *      3  Frames                      8  Looking in
 *      4  Rings                       9  Without names: descriptors
 *      5  Regions
 *
 * Beside this file: typed.h, structs and arrays of structs without casts; meta.h, what goes with a
 * frame besides its picture: damage, cursor, times of its stages; av.h, FFmpeg's AVFrame.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FR_API __attribute__((visibility("default")))
#define FR_MUST_CHECK __attribute__((warn_unused_result))
#else
#define FR_API
#define FR_MUST_CHECK
#endif

/* ======================================================================================== */
/* 1  Version, errors, log                                                                   */
/* ======================================================================================== */

/* The version of this header. While MAJOR is 0, another MINOR is another binary interface. */
#define FR_VERSION_MAJOR 0
#define FR_VERSION_MINOR 1
#define FR_VERSION_PATCH 0

/* Packed, so that versions compare as numbers: 0x00MMmmpp. */
#define FR_VERSION ((FR_VERSION_MAJOR << 16) | (FR_VERSION_MINOR << 8) | FR_VERSION_PATCH)

/* The packed version of the library that is really loaded; compare with FR_VERSION. */
FR_API uint32_t fr_version(void);

/* The same for humans, "0.1.0". Static. */
FR_API const char *fr_version_string(void);

/*
 * Every error code: name, number, sentence. Codes that the system has too carry its number.
 * The column of fr_strerror says what happened; what to do about it stands beside it here.
 */
#define FR_ERRORS(X)                                                                               \
    X(FR_EINVAL, -22, "an argument is broken")                        /* fix the call */           \
    X(FR_ENOENT, -2, "no such name")                                  /* wait, or check it */      \
    X(FR_EEXIST, -17, "the name is taken by a living owner")          /* choose another */         \
    X(FR_EACCES, -13, "permission denied")                            /* see the mode bits */      \
    X(FR_ENOMEM, -12, "out of memory")                                /* give up */                \
    X(FR_ENOSPC, -28, "not enough room in /dev/shm")                  /* smaller, or enlarge */    \
    X(FR_ETIMEDOUT, -110, "not within the time given")                /* try again */              \
    X(FR_EMSGSIZE, -90, "does not fit")                               /* larger slots */           \
    X(FR_EBUSY, -16, "all places are taken")                          /* later */                  \
    X(FR_ENOTSUP, -95, "not supported here")                          /* convert */                \
    X(FR_ERANGE, -34, "beyond the end")                               /* check bounds */           \
    X(FR_EOWNERDEAD, -130, "the owner died")                          /* see the function */       \
    X(FR_ECLOSED, -5000, "closed by its owner")                       /* the orderly end */        \
    X(FR_EVERSION, -5001, "made by an incompatible version")          /* rebuild one side */       \
    X(FR_EKIND, -5002, "the name holds an object of another kind")    /* another name */           \
    X(FR_EFOREIGN, -5003, "the file of that name is not framering's") /* remove it, or rename */   \
    X(FR_ECORRUPT, -5004, "the shared memory makes no sense")         /* give up, report */

enum fr_error {
    FR_OK = 0,
#define FR_ERROR_ENUM(name, number, text) name = (number),
    FR_ERRORS(FR_ERROR_ENUM)
#undef FR_ERROR_ENUM
};

/* A sentence for any code of this library or of the system. Never NULL; static for ours. */
FR_API const char *fr_strerror(int error);

/* The code's name, "FR_ENOENT", or "FR_OK", or "unknown". Static. */
FR_API const char *fr_errname(int error);

/*
 * The last failure of the calling thread as one sentence with the numbers and the fix in it:
 * "/dev/shm has 64 MB free, the ring needs 66 MB (docker: --shm-size=256m)". Valid until the
 * thread's next call that fails; for codes without details it is fr_strerror's text.
 */
FR_API const char *fr_error_detail(int error);

enum fr_log_level { FR_LOG_NONE, FR_LOG_WARN, FR_LOG_INFO, FR_LOG_DEBUG };

/* A finished line without newline. Called from any thread; must not call the library. */
typedef void (*fr_log_fn)(void *user, enum fr_log_level level, const char *line);

/*
 * Messages up to level go to fn; NULL is silence, the default. They tell what no return code can:
 * a dead peer's slots were reclaimed, a dead owner's name was taken over. Never one per frame.
 * FRAMERING_LOG=warn|info|debug in the environment prints them on standard error instead, unless
 * a function is set.
 *
 * Threads: any; takes effect for messages that begin afterwards.
 */
FR_API void fr_log_set(fr_log_fn fn, void *user, enum fr_log_level level);

/* The clock of all times here: CLOCK_MONOTONIC, nanoseconds. */
FR_API int64_t fr_now_ns(void);

/* Special and readable timeouts. */
#define FR_NOWAIT INT64_C(0)
#define FR_FOREVER INT64_C(-1)
#define FR_US(n) ((int64_t)(n)*1000)
#define FR_MS(n) ((int64_t)(n)*1000000)
#define FR_S(n) ((int64_t)(n)*1000000000)

/* ======================================================================================== */
/* 2  Pixel formats                                                                          */
/* ======================================================================================== */

/* Four characters as Linux' DRM registry packs them. */
#define FR_FOURCC(a, b, c, d)                                                                      \
    ((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))

/*
 * Formats are identified by their DRM fourcc (drm_fourcc.h), because those numbers never change.
 * Our names give the order of the bytes in memory, which is what one reads in a dump and what
 * FFmpeg's names mean too; DRM's own names read from the high bit of a little-endian word, so its
 * "RGB888" is our BGR24. X in a name is a byte without meaning. 10-bit samples and 16-bit samples
 * are little-endian, two bytes each; 10-bit planar samples use the low bits, P010 the high ones.
 *
 *      X(name here, fourcc, FFmpeg's name)
 */
#define FR_FORMATS(X)                                                                              \
    X(BGRX, FR_FOURCC('X', 'R', '2', '4'), "bgr0")                                                 \
    X(BGRA, FR_FOURCC('A', 'R', '2', '4'), "bgra")                                                 \
    X(RGBX, FR_FOURCC('X', 'B', '2', '4'), "rgb0")                                                 \
    X(RGBA, FR_FOURCC('A', 'B', '2', '4'), "rgba")                                                 \
    X(ARGB, FR_FOURCC('B', 'A', '2', '4'), "argb")                                                 \
    X(ABGR, FR_FOURCC('R', 'A', '2', '4'), "abgr")                                                 \
    X(RGB24, FR_FOURCC('B', 'G', '2', '4'), "rgb24")                                               \
    X(BGR24, FR_FOURCC('R', 'G', '2', '4'), "bgr24")                                               \
    X(RGB565, FR_FOURCC('R', 'G', '1', '6'), "rgb565le")                                           \
    X(X2RGB10, FR_FOURCC('X', 'R', '3', '0'), "x2rgb10le")                                         \
    X(X2BGR10, FR_FOURCC('X', 'B', '3', '0'), "x2bgr10le")                                         \
    X(RGBA64, FR_FOURCC('A', 'B', '4', '8'), "rgba64le")                                           \
    X(RGBAF16, FR_FOURCC('A', 'B', '4', 'H'), "rgbaf16le")                                         \
    X(GRAY8, FR_FOURCC('R', '8', ' ', ' '), "gray")                                                \
    X(GRAY10, FR_FOURCC('R', '1', '0', ' '), "gray10le")                                           \
    X(GRAY12, FR_FOURCC('R', '1', '2', ' '), "gray12le")                                           \
    X(GRAY16, FR_FOURCC('R', '1', '6', ' '), "gray16le")                                           \
    X(NV12, FR_FOURCC('N', 'V', '1', '2'), "nv12")                                                 \
    X(NV21, FR_FOURCC('N', 'V', '2', '1'), "nv21")                                                 \
    X(NV16, FR_FOURCC('N', 'V', '1', '6'), "nv16")                                                 \
    X(NV24, FR_FOURCC('N', 'V', '2', '4'), "nv24")                                                 \
    X(P010, FR_FOURCC('P', '0', '1', '0'), "p010le")                                               \
    X(YUV420P, FR_FOURCC('Y', 'U', '1', '2'), "yuv420p")                                           \
    X(YUV422P, FR_FOURCC('Y', 'U', '1', '6'), "yuv422p")                                           \
    X(YUV444P, FR_FOURCC('Y', 'U', '2', '4'), "yuv444p")                                           \
    X(YUV420P10, FR_FOURCC('S', '0', '1', '0'), "yuv420p10le")                                     \
    X(YUV422P10, FR_FOURCC('S', '2', '1', '0'), "yuv422p10le")                                     \
    X(YUV444P10, FR_FOURCC('S', '4', '1', '0'), "yuv444p10le")                                     \
    X(YUYV, FR_FOURCC('Y', 'U', 'Y', 'V'), "yuyv422")                                              \
    X(UYVY, FR_FOURCC('U', 'Y', 'V', 'Y'), "uyvy422")

enum fr_format {
    FR_FORMAT_NONE = 0,
#define FR_FORMAT_ENUM(name, fourcc, ffmpeg) FR_FORMAT_##name = (fourcc),
    FR_FORMATS(FR_FORMAT_ENUM)
#undef FR_FORMAT_ENUM
};

#define FR_MAX_PLANES 4
#define FR_MAX_SIDE 65536 /* the largest width and height */

/*
 * The geometry of one plane of a format. A *sample group* is the smallest run of bytes that repeats
 * along a row: 4 bytes for BGRA, 1 for the Y plane of NV12, 2 (U and V) for its second plane,
 * 4 (two pixels) for YUYV.
 *
 * For a picture of w x h pixels the plane has  rows  = ceil(h / 2^log2_h)  rows of
 *                                              bytes = ceil(w / 2^log2_w) * group_bytes.
 */
struct fr_plane_info {
    uint8_t group_bytes;
    uint8_t log2_w;
    uint8_t log2_h;
};

/* What is known of a format. Static, never freed. */
struct fr_format_info {
    enum fr_format format;
    const char *name; /* as FFmpeg calls it: "bgra", "nv12" */
    uint8_t planes;   /* 1 to FR_MAX_PLANES */
    uint8_t bits;     /* significant bits of a sample */
    uint8_t is_yuv;   /* luma and chroma rather than red, green and blue; 1 for gray too */
    uint8_t has_alpha;
    struct fr_plane_info plane[FR_MAX_PLANES];
};

/* The description of a format, or NULL if it is not one of FR_FORMATS. */
FR_API const struct fr_format_info *fr_format_info(enum fr_format format);

/* Number index of the list of formats, or NULL beyond its end: for loops over all of them. */
FR_API const struct fr_format_info *fr_format_at(size_t index);

/* The format of that name (FFmpeg's, or a fourcc such as "XR24"), or FR_FORMAT_NONE. */
FR_API enum fr_format fr_format_by_name(const char *name);

/* ======================================================================================== */
/* 3  Frames                                                                                 */
/* ======================================================================================== */

struct fr_writer;
struct fr_reader;

struct fr_rational {
    int32_t num;
    int32_t den;
};

#define FR_NO_PTS INT64_MIN /* "no presentation time known" */

/*
 * Colour as ITU-T H.273 numbers it (the numbers of FFmpeg's AVCOL_… too). Unknown is 0 for range
 * and chroma_location, 2 for the others; fr_frame_acquire sets them so.
 */
struct fr_color {
    uint8_t range;           /* 0 unknown, 1 limited ("tv"), 2 full ("pc") */
    uint8_t primaries;       /* 1 BT.709, 5/6 BT.601, 9 BT.2020 */
    uint8_t transfer;        /* 1 BT.709, 13 sRGB, 16 PQ, 18 HLG */
    uint8_t matrix;          /* 0 RGB, 1 BT.709, 5/6 BT.601, 9 BT.2020 */
    uint8_t chroma_location; /* 0 unknown, 1 left (MPEG-2), 2 centre (MPEG-1), 3 top left */
};

/* Frame flags. */
enum {
    FR_FRAME_REPEAT = 1 << 0,  /* the same picture as the one before, sent to keep the rate */
    FR_FRAME_CORRUPT = 1 << 1, /* the source knows that pixels are damaged */
    FR_FRAME_KEY = 1 << 2,     /* a key frame of the source */
};

/* One plane: rows of row_bytes each; the next row is stride bytes further. */
struct fr_plane {
    uint8_t *data;    /* first byte of the top row */
    ptrdiff_t stride; /* bytes; negative for a picture stored bottom-up */
    uint32_t rows;
    uint32_t row_bytes; /* bytes of a row that are picture, without the padding */
};

/* What you did not get between your previous frame and this one, and why. */
struct fr_loss {
    uint64_t skipped;     /* you asked for FR_LATEST, these were older */
    uint64_t overwritten; /* FR_DROP_OLDEST gave their slots to newer ones before you came */
    uint64_t dropped;     /* writers found no free slot (FR_DROP_NEWEST): never published */
};

/*
 * A picture in a slot. The library makes and keeps these; you hold one between acquire and
 * publish or abort (writing), or between wait and release (reading, const).
 *
 * Writing: geometry is set by fr_frame_acquire, the planes point into the slot, everything else is
 * at its default; set what you know before publishing. You may also move the planes within the
 * slot (another stride, bottom-up): publish checks that they stay inside.
 * Reading: everything was checked and copied from shared memory; the planes are inside the slot,
 * rows do not overlap its end, and at least 64 bytes behind the last row may be read.
 *
 * Shape: plane[i].rows rows of plane[i].row_bytes bytes, plane[i].stride apart. Strides made by
 *        fr_frame_acquire are multiples of 64; the first row starts on a memory page.
 */
struct fr_frame {
    uint64_t sequence;   /* 1, 2, 3… in the order of publication; 0 until published */
    uint64_t session;    /* a number of this ring; another one means that it was made anew */
    struct fr_loss loss; /* reading */

    enum fr_format format;
    uint32_t width;
    uint32_t height;
    uint32_t planes;
    struct fr_plane plane[FR_MAX_PLANES];

    int64_t pts;                      /* presentation time in time_base units, or FR_NO_PTS */
    int64_t duration;                 /* in time_base units; 0 unknown */
    struct fr_rational time_base;     /* seconds per unit; 1/1000000000 by default */
    struct fr_rational frame_rate;    /* nominal, a hint; 0/1 = variable or unknown */
    struct fr_rational sample_aspect; /* width:height of a pixel; 0/1 = unknown */

    int64_t capture_ns; /* when the capture began, fr_now_ns clock; acquire sets it to now */
    int64_t publish_ns; /* when it became visible; set by publish */

    struct fr_color color;
    uint32_t flags;         /* FR_FRAME_… */
    uint64_t source_number; /* the source's own count (a device's sequence number); 0 unknown */
    uint64_t source_drops;  /* frames that the source lost so far, before they got here */
};

/*
 * The bytes a slot needs for a picture: the .slot_size of a ring that carries such frames. 0 if the
 * format is unknown or a side is 0 or above FR_MAX_SIDE. Includes the 4096 bytes of header that
 * stand before the picture and 128 bytes behind it. Smaller pictures fit in larger slots.
 */
FR_API uint64_t fr_frame_size(uint32_t width, uint32_t height, enum fr_format format);

/*
 * Lends a free slot as a frame of that shape, to be filled.
 *
 * Size and format may differ from frame to frame. What the pixels hold is left over from earlier
 * frames. Several frames may be held at once and published in any order.
 *
 * Returns: 0; FR_ETIMEDOUT no slot came free in time (under FR_DROP_NEWEST: at once, and counted);
 *          FR_EBUSY you hold all slots yourself; FR_EMSGSIZE the picture is larger than the ring's
 *          slots; FR_ENOTSUP unknown format; FR_ECLOSED the last other writer closed while this one
 *          was opening
 * Waits:   up to timeout_ns
 * Owns:    *out is a loan until fr_frame_publish or fr_frame_abort
 */
FR_API FR_MUST_CHECK int fr_frame_acquire(struct fr_writer *writer, uint32_t width, uint32_t height,
                                          enum fr_format format, int64_t timeout_ns,
                                          struct fr_frame **out);

/*
 * Makes the frame visible to all readers and wakes those who sleep.
 *
 * Returns: 0; FR_EINVAL if a plane no longer lies inside the slot or the colour or a rational makes
 *          no sense (the frame stays yours); FR_ECORRUPT (the frame is gone)
 * Waits:   never; a system call only if a reader sleeps
 * Threads: any
 */
FR_API FR_MUST_CHECK int fr_frame_publish(struct fr_frame **frame);

/* Gives the frame back unseen. Threads: any. */
FR_API void fr_frame_abort(struct fr_frame **frame);

/* Which frame a reader wants. */
enum fr_which {
    FR_NEXT,   /* the one after the last it got */
    FR_LATEST, /* the newest that it has not had; those before it are skipped (broadcast only) */
};

/*
 * Lends a published frame for reading.
 *
 * A new reader of a broadcast ring gets the newest frame at once. The pixels are the ring's own
 * memory and cannot change while you hold the frame. Several may be held at once, each costs the
 * ring one slot.
 *
 * When nothing is left to read and all writers are gone, the reader looks whether the name has
 * been taken by a new ring of a restarted writer and moves over to it (frame->session changes).
 * If not: FR_ECLOSED or FR_EOWNERDEAD, or with .follow it waits for that ring.
 *
 * Returns: 0; FR_ETIMEDOUT; FR_ECLOSED the writers closed it; FR_EOWNERDEAD the writers died;
 *          FR_EBUSY you hold all slots; FR_ENOTSUP the slot holds no frame, or its format or header
 *          version is newer than this library, or FR_LATEST on a queue; FR_ECORRUPT
 * Waits:   up to timeout_ns
 * Owns:    *out is a loan until fr_frame_release; it stays valid after fr_reader_close
 */
FR_API FR_MUST_CHECK int fr_frame_wait(struct fr_reader *reader, enum fr_which which,
                                       int64_t timeout_ns, const struct fr_frame **out);

/* Ends reading. Threads: any. */
FR_API void fr_frame_release(const struct fr_frame **frame);

/*
 * Copies a whole picture into a frame that is being written, or out of one being read.
 *
 * Shape:   data[i] is the top row of plane i of *your* picture, stride[i] bytes between its rows;
 *          size and format are the frame's
 */
FR_API void fr_frame_write(struct fr_frame *frame, const void *const data[FR_MAX_PLANES],
                           const ptrdiff_t stride[FR_MAX_PLANES]);
FR_API void fr_frame_read(const struct fr_frame *frame, void *const data[FR_MAX_PLANES],
                          const ptrdiff_t stride[FR_MAX_PLANES]);

/* ======================================================================================== */
/* 4  Rings                                                                                  */
/* ======================================================================================== */

/* Who gets a published item. */
enum fr_delivery {
    FR_BROADCAST, /* every reader, from its opening on */
    FR_QUEUE,     /* exactly one reader, whoever comes first; in order */
};

/* What a writer does when no slot is free. */
enum fr_overflow {
    FR_BLOCK,       /* waits, up to its timeout; nothing published is ever lost */
    FR_DROP_OLDEST, /* takes the oldest published slot that nobody holds; waits only if all are held */
    FR_DROP_NEWEST, /* fails at once with FR_ETIMEDOUT, and the ring counts it */
};

#define FR_MIN_SLOTS 2
#define FR_MAX_SLOTS 1024
#define FR_MAX_MEMBERS 64 /* handles (writers and readers) that one ring can have at a time */

struct fr_writer_opts {
    size_t size;
    uint64_t slot_size; /* bytes in a slot; must be given */
    uint32_t slots;     /* FR_MIN_SLOTS to FR_MAX_SLOTS; 0 = 8 */
    enum fr_delivery delivery;
    enum fr_overflow overflow;
    uint32_t mode; /* permission bits; 0 = 0600 */
    int observers; /* broadcast: admit readers that open with .observe */
    int sealed;    /* without a name: see section 9 */
};
#define fr_writer_opts(...)                                                                        \
    ((struct fr_writer_opts){ .size = sizeof(struct fr_writer_opts), __VA_ARGS__ })

struct fr_reader_opts {
    size_t size;
    int lossy;   /* never hold a blocking writer back; what it overwrites is counted as my loss */
    int follow;  /* when the writers are gone, wait for the next ring of this name */
    int observe; /* only look: see below */
};
#define fr_reader_opts(...)                                                                        \
    ((struct fr_reader_opts){ .size = sizeof(struct fr_reader_opts), __VA_ARGS__ })

/*
 * An observer (.observe) opens the object with read permission only: the kernel guarantees that it
 * changes no byte of it. It holds frames without copying them all the same, sleeps without polling,
 * and never holds a writer back but by the slots that it holds. It takes none of the FR_MAX_MEMBERS
 * places. The ring must have been created with .observers; each publication then costs a system
 * call, and each claim some (microseconds, which frames do not notice and small messages do).
 * This is for viewers that one does not want to trust: other users, say of the owner's group with
 * .mode = 0640, see UID:NAME above; and it is the better choice for every viewer of live frames.
 */

/*
 * A slot on loan. Writing: put up to capacity bytes at data and their number into used before
 * publishing. Reading: used bytes are yours to read.
 */
struct fr_slot {
    void *data; /* starts on a memory page */
    uint64_t used;
    uint64_t capacity;
    uint64_t sequence; /* reading: 1, 2, 3… in the order of publication */
    uint64_t session;
    struct fr_loss loss; /* reading */
};

/*
 * Makes a named ring and becomes its first writer. The name of an owner who died is taken over.
 *
 * How many slots? One for each frame that any reader or writer holds at a time, and one more: with
 * fewer, even FR_DROP_OLDEST finds nothing to take. 4 to 8 are usual.
 *
 * Returns: 0; FR_EEXIST the name is in use; FR_EFOREIGN a file that is not ours has it, FR_EVERSION
 *          or FR_ECORRUPT one that is, but cannot be read (fr_unlink removes it); FR_ENOSPC;
 *          FR_ENOMEM; FR_EACCES; FR_ENOTSUP this kernel has no locks on open file descriptions
 * Owns:    *out is yours until fr_writer_close
 */
FR_API FR_MUST_CHECK int fr_writer_create(const char *name, const struct fr_writer_opts *opts,
                                          struct fr_writer **out);

/*
 * Joins an existing ring as one more writer.
 *
 * Returns: 0; FR_ENOENT no ring (after waiting timeout_ns for it); FR_EKIND; FR_EVERSION;
 *          FR_EBUSY FR_MAX_MEMBERS are there; FR_ECLOSED, FR_EOWNERDEAD its writers are gone;
 *          FR_EACCES; FR_EFOREIGN; FR_ECORRUPT; FR_ENOMEM
 * Waits:   up to timeout_ns
 */
FR_API FR_MUST_CHECK int fr_writer_open(const char *name, int64_t timeout_ns,
                                        struct fr_writer **out);

/*
 * Detaches. What is still on loan stays valid until it is given back. The last writer that closes
 * a ring ends it: readers get what is left, then FR_ECLOSED, and the name is free.
 */
FR_API void fr_writer_close(struct fr_writer **writer);

/* Lends a free slot to be filled; as fr_frame_acquire, for bytes. */
FR_API FR_MUST_CHECK int fr_writer_acquire(struct fr_writer *writer, int64_t timeout_ns,
                                           struct fr_slot **out);

/* Makes slot->used bytes visible; as fr_frame_publish. FR_EMSGSIZE if used > capacity (yours). */
FR_API FR_MUST_CHECK int fr_writer_publish(struct fr_slot **slot);

/* Gives the slot back unseen. Threads: any. */
FR_API void fr_writer_abort(struct fr_slot **slot);

/* Acquires, copies size bytes and publishes. FR_EMSGSIZE if they do not fit; nothing is cut off. */
FR_API FR_MUST_CHECK int fr_writer_write(struct fr_writer *writer, const void *src, size_t size,
                                         int64_t timeout_ns);

/*
 * Attaches to a ring, of whatever size; waits for it to appear.
 *
 * A ring whose writers are gone can still be opened: its last frame is there to be read.
 *
 * Returns: as fr_writer_open, but never FR_ECLOSED or FR_EOWNERDEAD; FR_ENOTSUP .observe on a ring
 *          without .observers
 * Waits:   up to timeout_ns, without polling
 */
FR_API FR_MUST_CHECK int fr_reader_open(const char *name, const struct fr_reader_opts *opts,
                                        int64_t timeout_ns, struct fr_reader **out);

/* Detaches. What is still on loan stays valid until it is given back. */
FR_API void fr_reader_close(struct fr_reader **reader);

/* Lends a published slot for reading; as fr_frame_wait, for bytes. */
FR_API FR_MUST_CHECK int fr_reader_acquire(struct fr_reader *reader, enum fr_which which,
                                           int64_t timeout_ns, const struct fr_slot **out);

/* Ends reading. Threads: any. */
FR_API void fr_reader_release(const struct fr_slot **slot);

/*
 * Acquires, copies the bytes to dst, releases. *size is their number.
 *
 * Returns: as fr_reader_acquire; FR_EMSGSIZE if capacity is below fr_reader_slot_size: nothing is
 *          taken then. (Only if the reader has just moved over to a ring with larger slots may an
 *          item that does not fit be lost with this code.)
 */
FR_API FR_MUST_CHECK int fr_reader_read(struct fr_reader *reader, enum fr_which which, void *dst,
                                        size_t capacity, int64_t timeout_ns, size_t *size);

/* The capacity of each slot, in bytes. */
FR_API uint64_t fr_writer_slot_size(const struct fr_writer *writer);
FR_API uint64_t fr_reader_slot_size(const struct fr_reader *reader);

/*
 * Where plane 0 of a frame starts, in bytes from the start of the ring's memory: for devices and
 * servers that fill a slot themselves (an X server, a GPU), see fr_writer_fd.
 */
FR_API uint64_t fr_frame_offset(const struct fr_frame *frame);

/* ======================================================================================== */
/* 5  Regions                                                                                */
/* ======================================================================================== */

/*
 * Named memory: a header, a lock, your bytes. The one that creates it is its owner; when the owner
 * closes, the name is free again and the others see FR_ECLOSED in fr_region_status, their memory
 * stays. Threads: one at a time per handle, except reading its address and size.
 */
struct fr_region;

struct fr_region_opts {
    size_t size;
    uint32_t mode; /* permission bits; 0 = 0600 */
    int sealed;    /* without a name: see section 9 */
};
#define fr_region_opts(...)                                                                        \
    ((struct fr_region_opts){ .size = sizeof(struct fr_region_opts), __VA_ARGS__ })

enum fr_access {
    FR_READ_WRITE,
    FR_READ_ONLY, /* mapped so: writing through the pointer faults. Cannot lock (FR_EACCES) */
};

/*
 * Makes a region of size bytes, all zero, and becomes its owner. A dead owner's name is taken over.
 *
 * Returns: as fr_writer_create; FR_EINVAL also for size 0
 */
FR_API FR_MUST_CHECK int fr_region_create(const char *name, uint64_t size,
                                          const struct fr_region_opts *opts,
                                          struct fr_region **out);

/*
 * Attaches to a region (or array) without knowing its size; waits for it to appear.
 *
 * Returns: 0; FR_ENOENT; FR_EKIND it is a ring; FR_EVERSION; FR_EACCES; FR_EFOREIGN; FR_ECORRUPT;
 *          FR_ENOMEM
 * Waits:   up to timeout_ns
 */
FR_API FR_MUST_CHECK int fr_region_open(const char *name, enum fr_access access, int64_t timeout_ns,
                                        struct fr_region **out);

/* Detaches; gives back the lock if held. The owner frees the name and tells the others. */
FR_API void fr_region_close(struct fr_region **region);

/* The first byte, at the start of a memory page; and how many there are. Threads: any. */
FR_API void *fr_region_data(const struct fr_region *region);
FR_API uint64_t fr_region_size(const struct fr_region *region);

/* 0 while the owner lives; FR_ECLOSED it closed; FR_EOWNERDEAD it died. Threads: any. */
FR_API FR_MUST_CHECK int fr_region_status(const struct fr_region *region);

/*
 * Removes a name of any kind, whoever made it. Those attached stay attached.
 *
 * Returns: 0; FR_ENOENT; FR_EACCES
 */
FR_API FR_MUST_CHECK int fr_unlink(const char *name);

/* ======================================================================================== */
/* 6  The lock of a region                                                                   */
/* ======================================================================================== */

#define FR_MAX_LOCKERS 256 /* handles that can use the lock of one region at a time */

enum fr_lock {
    FR_SHARED,    /* many at a time, for reading */
    FR_EXCLUSIVE, /* one alone, for writing; a waiting one keeps new FR_SHARED out */
};

/*
 * Takes the lock for this handle, in this and all other processes.
 *
 * It belongs to the handle, not to a thread: to lock between threads open the region once in each.
 * A handle that has it must unlock before it locks again (no upgrade, no recursion: FR_EINVAL).
 * A holder that dies loses it. If it died holding FR_EXCLUSIVE, the next one that gets the lock is
 * told FR_EOWNERDEAD and *has the lock*: the data may be half changed; repair it, then unlock.
 * That is told once, to the first FR_EXCLUSIVE or FR_SHARED holder after the death.
 *
 * Returns: 0; FR_EOWNERDEAD (locked, see above); FR_ETIMEDOUT; FR_EACCES opened FR_READ_ONLY;
 *          FR_EBUSY FR_MAX_LOCKERS handles are there
 * Waits:   up to timeout_ns
 */
FR_API FR_MUST_CHECK int fr_region_lock(struct fr_region *region, enum fr_lock kind,
                                        int64_t timeout_ns);

/* Gives back whichever is held. FR_EINVAL if nothing is. */
FR_API int fr_region_unlock(struct fr_region *region);

/* ======================================================================================== */
/* 7  Random access and arrays                                                               */
/* ======================================================================================== */

/*
 * Copies size bytes out of the region, from offset on; or into it. These do not lock: hold the lock
 * when more than one call, or more than one machine word, has to agree.
 *
 * Returns: 0; FR_ERANGE if the bytes do not lie inside; FR_EACCES writing to FR_READ_ONLY
 */
FR_API FR_MUST_CHECK int fr_region_read(const struct fr_region *region, uint64_t offset, void *dst,
                                        size_t size);
FR_API FR_MUST_CHECK int fr_region_write(struct fr_region *region, uint64_t offset, const void *src,
                                         size_t size);

/*
 * An array is a region of count elements of element_size bytes each, packed. Everything for
 * regions works on it. typed.h gives it a type.
 *
 * Returns: as fr_region_create and fr_region_open; opening FR_EKIND also for a plain region and for
 *          another element size
 */
FR_API FR_MUST_CHECK int fr_array_create(const char *name, uint64_t count, size_t element_size,
                                         const struct fr_region_opts *opts, struct fr_region **out);
FR_API FR_MUST_CHECK int fr_array_open(const char *name, size_t element_size, enum fr_access access,
                                       int64_t timeout_ns, struct fr_region **out);

/* The number of elements; 0 if the region is not an array. */
FR_API uint64_t fr_array_count(const struct fr_region *region);

/* The address of element index, or NULL beyond the end. To iterate: index 0, 1… until NULL. */
FR_API void *fr_array_at(const struct fr_region *region, uint64_t index);

/*
 * Copies count elements from index first on out to dst; or in from src.
 *
 * Returns: 0; FR_ERANGE; FR_EACCES
 */
FR_API FR_MUST_CHECK int fr_array_get(const struct fr_region *region, uint64_t first,
                                      uint64_t count, void *dst);
FR_API FR_MUST_CHECK int fr_array_set(struct fr_region *region, uint64_t first, uint64_t count,
                                      const void *src);

/* ======================================================================================== */
/* 8  Looking in                                                                             */
/* ======================================================================================== */

enum fr_kind { FR_KIND_REGION = 1, FR_KIND_ARRAY = 2, FR_KIND_RING = 3 };

/* What an object is and how it stands. Set .size (or use the macro) before asking. */
struct fr_info {
    size_t size;
    enum fr_kind kind;
    uint32_t version_major; /* of the bytes in shared memory */
    uint32_t version_minor;
    uint64_t session;    /* random, made with the object */
    uint64_t total_size; /* bytes of /dev/shm it takes */
    int64_t created_ns;
    int status;            /* 0, FR_ECLOSED, FR_EOWNERDEAD */
    uint64_t data_size;    /* region, array: usable bytes */
    uint64_t element_size; /* array */
    uint32_t slots;        /* ring, from here on */
    uint32_t writers;      /* attached now */
    uint32_t readers;      /* that have joined: they miss nothing that is published from now on */
    enum fr_delivery delivery;
    enum fr_overflow overflow;
    uint64_t slot_size;
    uint64_t published;    /* items so far = the newest sequence number */
    uint64_t dropped;      /* by FR_DROP_NEWEST */
    uint64_t overwritten;  /* queue: by FR_DROP_OLDEST, unread by anybody */
    int observers;         /* admits them */
    uint32_t observed;     /* slots that observers hold now */
    enum fr_format format; /* of the newest frame; FR_FORMAT_NONE: there is none to be seen now */
    uint32_t width;
    uint32_t height;
    struct fr_rational frame_rate;
    int64_t capture_ns;
    int64_t publish_ns;
};
#define fr_info(...) ((struct fr_info){ .size = sizeof(struct fr_info), __VA_ARGS__ })

/*
 * Describes a name: attaches to nothing and changes nothing.
 *
 * Returns: 0; FR_ENOENT; FR_EACCES; FR_EFOREIGN; FR_EVERSION; FR_ECORRUPT
 */
FR_API FR_MUST_CHECK int fr_inspect(const char *name, struct fr_info *info);

/*
 * Calls fn with every name there is, in no order: the user's own as they are, others' as UID:NAME.
 * It ends early when fn returns anything but 0, and returns that.
 *
 * Returns: 0, what fn returned, or the system's code if the names cannot be listed
 */
FR_API int fr_list(int (*fn)(void *user, const char *name), void *user);

/*
 * Removes the name that dead owners left behind, for those who tidy up: whoever creates an object of
 * that name does so anyway. Those still attached stay so.
 *
 * Returns: 0; FR_ENOENT; FR_EEXIST an owner lives; FR_EBUSY somebody else is just doing it;
 *          FR_EACCES, FR_EFOREIGN not the user's; FR_EVERSION, FR_ECORRUPT ours to judge no more
 *          (fr_unlink removes anything)
 */
FR_API FR_MUST_CHECK int fr_collect(const char *name);

/* How often something took how long: bin i counts those of 2^i up to 2^(i+1) nanoseconds. */
#define FR_HISTOGRAM_BINS 32
struct fr_histogram {
    uint64_t bin[FR_HISTOGRAM_BINS]; /* the first also counts less, the last also more */
};

/*
 * The time that a share of them (0.5: the median) did not exceed, in nanoseconds, taking those of a
 * bin as evenly spread: right within a factor of two. 0 if there are none.
 */
FR_API int64_t fr_histogram_quantile(const struct fr_histogram *histogram, double share);

/* The counters of one handle since it was opened. Set .size (or use the macro) before asking. */
struct fr_stats {
    size_t size;
    uint64_t published;          /* writer */
    uint64_t aborted;            /* writer */
    uint64_t timeouts;           /* acquire found nothing in time */
    uint64_t waits;              /* times that acquire went to sleep */
    uint64_t waited_ns;          /* spent asleep */
    uint64_t recovered;          /* dead members this handle cleaned up after */
    uint64_t delivered;          /* reader */
    struct fr_loss loss;         /* reader: the sum of all frames' losses */
    uint64_t sessions;           /* reader: rings of this name it has been attached to */
    struct fr_histogram latency; /* frames, of the ring it is attached to now: see fr_member */
    struct fr_histogram hold;
};
#define fr_stats(...) ((struct fr_stats){ .size = sizeof(struct fr_stats), __VA_ARGS__ })

FR_API void fr_writer_stats(const struct fr_writer *writer, struct fr_stats *stats);
FR_API void fr_reader_stats(const struct fr_reader *reader, struct fr_stats *stats);

/*
 * A member of a ring as all can see it. Members keep these numbers in the ring's memory, so that
 * looking costs them nothing; what a member says of itself may be wrong if somebody scribbled.
 */
struct fr_member {
    size_t size;       /* how much of this struct the library knows */
    uint32_t place;    /* 0 to FR_MAX_MEMBERS - 1 */
    uint32_t process;  /* its number, as it sees itself in its namespace */
    int is_writer;     /* or a reader */
    char program[16];  /* what the kernel calls it; printable, ends with a 0 */
    int64_t joined_ns; /* fr_now_ns clock */
    uint32_t held;     /* slots in its hands now */
    uint64_t items;    /* reader: delivered; writer: published, and held */
    uint64_t aborted;  /* writer */
    uint64_t sequence; /* the newest that it got, or published; 0 none */
    uint64_t timeouts; /* as in fr_stats */
    uint64_t waits;
    uint64_t waited_ns;
    struct fr_loss loss;         /* reader */
    struct fr_histogram latency; /* frames. Reader: publication to delivery; writer: capture to
                                    publication */
    struct fr_histogram hold;    /* frames: from acquire or wait to giving back */
};

/*
 * Calls fn with each living member of a ring: attaches to nothing and changes nothing. It ends early
 * when fn returns anything but 0, and returns that. Observers are no members: nobody sees them, but
 * for the slots that they hold (fr_info).
 *
 * Returns: 0, or what fn returned; as fr_inspect; FR_EKIND not a ring
 */
FR_API int fr_members(const char *name, int (*fn)(void *user, const struct fr_member *member),
                      void *user);

/* ======================================================================================== */
/* 9  Without names: descriptors                                                             */
/* ======================================================================================== */

/*
 * An object created with NULL for a name is memory that only descriptors lead to. Nobody can find
 * it, the size of /dev/shm does not matter (a container's 64 MB, say), and the kernel refuses to let
 * anybody truncate it: no peer can make another fault. It is gone with its last handle, and so
 * there is no next ring to move over to when the writers are gone.
 *
 *      owner                                           peer
 *      fr_writer_create(NULL, &opts, &writer)
 *      fr_writer_fd(writer, FR_READ_ONLY, &fd)
 *      fr_fd_send(socket, fd); close(fd);  ──socket──▶ fr_fd_receive(socket, FR_S(1), &fd)
 *                                                      fr_reader_from_fd(fd, &opts, &reader); close(fd)
 *
 * A read-only descriptor admits observers (.observe) and FR_READ_ONLY, a read-write one everybody.
 * Another user's process needs the permission bits as well (.mode = 0644 for one who only looks),
 * because each handle opens the memory anew. A hostile process *of the same user* could do that to a
 * read-only descriptor too, but for writing. Against that there is .sealed: when the creation is
 * done the kernel lets nobody map the memory for writing ever again, not even its owner. Only
 * observers and FR_READ_ONLY can join then; .mode is 0444 by default, and .observers must be set.
 */

/*
 * A new descriptor of the object's memory, close-on-exec: to be sent to a peer, or to devices and
 * servers that fill a slot themselves (fr_frame_offset tells where in it a frame lies). Whoever gets
 * a read-write one can write everywhere in it. *fd is yours to close, and closing it, or not,
 * changes nothing for anybody. Those of objects with a name are for devices: a peer opens the name.
 *
 * Returns: 0; FR_EACCES read-write from a region that was opened FR_READ_ONLY; FR_ENOMEM, or the
 *          system's code
 */
FR_API FR_MUST_CHECK int fr_writer_fd(const struct fr_writer *writer, enum fr_access access,
                                      int *fd);
FR_API FR_MUST_CHECK int fr_region_fd(const struct fr_region *region, enum fr_access access,
                                      int *fd);

/*
 * Joins the object behind a descriptor, which stays yours. As fr_writer_open, fr_reader_open,
 * fr_region_open and fr_array_open, but without a name there is nothing to wait for.
 *
 * Nothing that the sender did can crash or hang the call or what is done with the handle: a
 * descriptor of anything else, or of memory that somebody could truncate, is refused.
 *
 * Returns: as those, and FR_EFOREIGN no memory of framering's; FR_ENOTSUP memory that could be
 *          truncated: create it without a name; FR_EACCES a read-only descriptor, a sealed object
 *          or another user's, for somebody who wants to write; FR_EINVAL also for .follow
 */
FR_API FR_MUST_CHECK int fr_writer_from_fd(int fd, struct fr_writer **out);
FR_API FR_MUST_CHECK int fr_reader_from_fd(int fd, const struct fr_reader_opts *opts,
                                           struct fr_reader **out);
FR_API FR_MUST_CHECK int fr_region_from_fd(int fd, enum fr_access access, struct fr_region **out);
FR_API FR_MUST_CHECK int fr_array_from_fd(int fd, size_t element_size, enum fr_access access,
                                          struct fr_region **out);

/*
 * Sends a descriptor through a connected Unix socket (stream, datagram or seqpacket), with one byte
 * of data, 'F'; fd stays yours. Receives one: a message with anything but that and one descriptor
 * is refused, and what came with it closed. *fd is close-on-exec and yours to close.
 *
 * Returns: 0; FR_ECLOSED the peer is gone; sending FR_EBUSY the socket's buffer is full; receiving
 *          FR_ETIMEDOUT; FR_EFOREIGN the message is something else; the system's code
 * Waits:   receiving up to timeout_ns
 */
FR_API FR_MUST_CHECK int fr_fd_send(int socket, int fd);
FR_API FR_MUST_CHECK int fr_fd_receive(int socket, int64_t timeout_ns, int *fd);

#ifdef __cplusplus
}
#endif

#endif
