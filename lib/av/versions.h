/* SPDX-License-Identifier: MIT */
#ifndef VERSIONS_H
#define VERSIONS_H

/*
 * All that differs between libavutil 56 and 61 and matters to the bridge; av.c has no other guards.
 * A field that a version lacks reads as unknown there, and setting it does nothing.
 */

#include <framering/framering.h>
#include <libavutil/avutil.h>
#include <libavutil/frame.h>
#include <limits.h>

#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 0, 100)
typedef size_t buffer_size;
#define MAX_BUFFER_SIZE SIZE_MAX
#else
typedef int buffer_size;
#define MAX_BUFFER_SIZE INT_MAX
#endif

/* A package manager cannot bring this about, LD_LIBRARY_PATH and bundles can. */
static inline int is_avutil_the_one_compiled_for(void)
{
    return avutil_version() >> 16 == LIBAVUTIL_VERSION_MAJOR;
}

static inline int64_t av_duration(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    return frame->duration;
#else
    return frame->pkt_duration;
#endif
}

static inline void av_set_duration(AVFrame *frame, int64_t duration)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    frame->duration = duration;
#else
    frame->pkt_duration = duration;
#endif
}

static inline struct fr_rational av_time_base(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 16, 100)
    return (struct fr_rational){ frame->time_base.num, frame->time_base.den };
#else
    (void)frame;
    return (struct fr_rational){ 0, 1 };
#endif
}

static inline void av_set_time_base(AVFrame *frame, struct fr_rational time_base)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 16, 100)
    frame->time_base = (AVRational){ time_base.num, time_base.den };
#else
    (void)frame;
    (void)time_base;
#endif
}

static inline int av_is_key(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
    return (frame->flags & AV_FRAME_FLAG_KEY) != 0;
#else
    return frame->key_frame != 0;
#endif
}

static inline void av_set_key(AVFrame *frame, int is_key)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
    frame->flags &= ~AV_FRAME_FLAG_KEY;
    frame->flags |= is_key ? AV_FRAME_FLAG_KEY : 0;
#else
    frame->key_frame = is_key;
#endif
}

#endif
