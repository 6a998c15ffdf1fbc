/* SPDX-License-Identifier: MIT */

/* See media_meta.h. */

#include "media_meta.h"

#include <libavcodec/avcodec.h>
#include <libavutil/mastering_display_metadata.h>
#include <stdlib.h>
#include <string.h>

/* A rational in units of 1/unit, where it makes sense. */
static uint32_t scaled(AVRational value, int64_t unit, uint32_t most)
{
    if (value.num <= 0 || value.den <= 0)
        return 0;
    int64_t count = av_rescale(value.num, unit, value.den);
    return count > most ? most : (uint32_t)count;
}

static void adopt_mastering(struct media_meta *meta, const AVMasteringDisplayMetadata *from)
{
    struct fr_hdr *hdr = &meta->hdr;
    meta->has_hdr |= from->has_primaries || from->has_luminance;
    for (int axis = 0; axis < 2 && from->has_primaries; axis++) {
        for (int color = 0; color < 3; color++)
            hdr->primaries[color][axis] =
                (uint16_t)scaled(from->display_primaries[color][axis], 50000, UINT16_MAX);
        hdr->white[axis] = (uint16_t)scaled(from->white_point[axis], 50000, UINT16_MAX);
    }
    if (from->has_luminance) {
        hdr->max_luminance = scaled(from->max_luminance, 10000, UINT32_MAX);
        hdr->min_luminance = scaled(from->min_luminance, 10000, UINT32_MAX);
    }
}

static void adopt_light(struct media_meta *meta, const AVContentLightMetadata *from)
{
    meta->has_hdr = 1;
    meta->hdr.max_content_light = (uint16_t)(from->MaxCLL > UINT16_MAX ? UINT16_MAX : from->MaxCLL);
    meta->hdr.max_average_light =
        (uint16_t)(from->MaxFALL > UINT16_MAX ? UINT16_MAX : from->MaxFALL);
}

static const void *side_data_of(const AVStream *stream, enum AVPacketSideDataType type)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 100)
    const AVPacketSideData *data =
        av_packet_side_data_get(stream->codecpar->coded_side_data,
                                stream->codecpar->nb_coded_side_data, type);
    return data ? data->data : NULL;
#else
    return av_stream_get_side_data(stream, type, NULL);
#endif
}

static const void *frame_data_of(const AVFrame *picture, enum AVFrameSideDataType type)
{
    const AVFrameSideData *data = av_frame_get_side_data(picture, type);
    return data ? data->data : NULL;
}

void media_meta_begin(struct media_meta *meta, const AVFormatContext *format,
                      const AVStream *stream, AVRational rate)
{
    *meta = (struct media_meta){ .rate = rate, .first_pts = AV_NOPTS_VALUE };
    const void *mastering = side_data_of(stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA);
    const void *light = side_data_of(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL);
    if (mastering)
        adopt_mastering(meta, mastering);
    if (light)
        adopt_light(meta, light);
    const AVDictionaryEntry *tag = av_dict_get(stream->metadata, "timecode", NULL, 0);
    if (!tag)
        tag = av_dict_get(format->metadata, "timecode", NULL, 0);
    meta->has_timecode = tag && rate.num > 0 &&
                         av_timecode_init_from_string(&meta->timecode, rate, tag->value, NULL) == 0;
}

/* What libavutil prints: 01:00:00:10, with a ; at the end for a clock that leaves numbers out. */
static int parse_timecode(const char *text, struct fr_timecode *timecode)
{
    uint8_t part[4];
    char separator = ':';
    for (int i = 0; i < 4; i++) {
        char *end = NULL;
        part[i] = (uint8_t)strtoul(text, &end, 10);
        if (end == text)
            return 0;
        if (i < 3)
            separator = *end;
        text = *end == '\0' ? end : end + 1;
    }
    *timecode = (struct fr_timecode){ .hours = part[0],
                                      .minutes = part[1],
                                      .seconds = part[2],
                                      .frames = part[3],
                                      .drop_frame = separator != ':' };
    return 1;
}

/* The picture's own, or the file's counted on. */
static int find_timecode(struct media_meta *meta, const AVFrame *picture, int64_t file_pts,
                         struct fr_timecode *timecode)
{
    char text[AV_TIMECODE_STR_SIZE] = "";
    const AVFrameSideData *own = av_frame_get_side_data(picture, AV_FRAME_DATA_S12M_TIMECODE);
    if (own && own->size >= 2 * sizeof(uint32_t)) {
        uint32_t words[2]; /* how many there are, and the first */
        memcpy(words, own->data, sizeof words);
        if (words[0] > 0)
            av_timecode_make_smpte_tc_string2(text, meta->rate, words[1], 0, 0);
    } else if (meta->has_timecode && file_pts != AV_NOPTS_VALUE) {
        if (meta->first_pts == AV_NOPTS_VALUE)
            meta->first_pts = file_pts;
        int64_t number =
            av_rescale_q(file_pts - meta->first_pts, picture->time_base, av_inv_q(meta->rate));
        av_timecode_make_string(&meta->timecode, text, (int)number);
    }
    return parse_timecode(text, timecode);
}

void media_meta_set(struct media_meta *meta, const AVFrame *picture, int64_t file_pts,
                    struct fr_frame *frame)
{
    struct fr_timecode timecode;
    const void *mastering = frame_data_of(picture, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
    const void *light = frame_data_of(picture, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
    if (mastering)
        adopt_mastering(meta, mastering);
    if (light)
        adopt_light(meta, light);
    /* A frame has room for both. */
    if (meta->has_hdr)
        (void)!fr_frame_set_meta(frame, FR_META_HDR, &meta->hdr, sizeof meta->hdr);
    if (find_timecode(meta, picture, file_pts, &timecode))
        (void)!fr_frame_set_meta(frame, FR_META_TIMECODE, &timecode, sizeof timecode);
}
