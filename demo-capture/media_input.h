/* SPDX-License-Identifier: MIT */
#ifndef MEDIA_INPUT_H
#define MEDIA_INPUT_H

/*
 * A video that libavformat opens and libavcodec decodes, picture by picture. What is damaged is left
 * out and counted, and the next picture that can be decoded follows.
 */

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <signal.h>

#include "media_pipe.h"
#include "media_slot.h"
#include "source.h"

struct media_input {
    const struct options *options;
    const volatile sig_atomic_t *stop;
    int64_t until_ns; /* a wait for the input ends then, too; 0: never */
    struct media_slot slot;

    const char *path;        /* for messages */
    struct media_pipe *pipe; /* or NULL */
    AVFormatContext *format;
    AVStream *stream;
    AVCodecContext *codec;
    AVPacket *packet;
    int has_packet; /* that the decoder has not had */
    int is_at_end;  /* of what there is to be read */
    int decodes_in_place;
    int is_live;           /* a device: it sets the pace */
    unsigned failed_reads; /* in a row */

    uint64_t packets; /* so far, in all laps */
    uint64_t pictures;
    uint64_t lost; /* that could not be decoded */
    uint64_t laps;
    int64_t first_pts; /* of this lap */
    int64_t end_pts;
    int64_t lap_pts; /* what is added to those of this lap */
};

/* SOURCE_FAILED has said why; media_input_close is needed all the same. */
enum source_result media_input_open(struct media_input *input);

/*
 * Goes on until a picture is there (SOURCE_OK), or, if the decoder works in place, a packet with one
 * (SOURCE_SAME), which waits for media_input_decode. SOURCE_END also when it is time to stop.
 */
enum source_result media_input_advance(struct media_input *input, AVFrame *picture);

/* Decodes the packet that is there, into input->slot if that fits. SOURCE_SAME: no picture in it. */
enum source_result media_input_decode(struct media_input *input, AVFrame *picture);

/* Leaves out the packet that is there. */
void media_input_skip(struct media_input *input);

/* Begins again at the beginning, with times that go on. */
enum source_result media_input_again(struct media_input *input);

/* Pictures per second, 0/1 if that is not known. */
AVRational media_input_rate(const struct media_input *input);

/* The time of the packet that is there, in the stream's units as those of pictures. */
int64_t media_input_packet_pts(const struct media_input *input);

void media_input_close(struct media_input *input);

#endif
