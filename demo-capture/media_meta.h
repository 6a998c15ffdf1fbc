/* SPDX-License-Identifier: MIT */
#ifndef MEDIA_META_H
#define MEDIA_META_H

/*
 * What FFmpeg knows of a picture besides its pixels: static HDR metadata, from the picture or from
 * its file, and the timecode.
 */

#include <framering/meta.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libavutil/timecode.h>

struct media_meta {
    struct fr_hdr hdr; /* the last that was told */
    int has_hdr;
    AVTimecode timecode; /* of the first picture */
    int has_timecode;
    AVRational rate;
    int64_t first_pts; /* the picture that the timecode is of; in the stream's units */
};

void media_meta_begin(struct media_meta *meta, const AVFormatContext *format,
                      const AVStream *stream, AVRational rate);

/* Sets the entries that the picture has. file_pts: its time, as the file has it. */
void media_meta_set(struct media_meta *meta, const AVFrame *picture, int64_t file_pts,
                    struct fr_frame *frame);

#endif
