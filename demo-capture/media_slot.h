/* SPDX-License-Identifier: MIT */
#ifndef MEDIA_SLOT_H
#define MEDIA_SLOT_H

/*
 * A decoder that writes its picture straight into a slot.
 *
 * That is right only for a decoder that never touches the picture again: once published, a slot is
 * the readers', and after them it is used for another picture, while a decoder of H.264 still
 * predicts from it, or conceals damage with it (FFV1, PNG), or goes on writing into it (MJPEG, the
 * second field). libavcodec tells: a codec has INTRA_ONLY, and each time it asks for memory it says
 * by AV_GET_BUFFER_FLAG_REF whether it wants to keep it. So ProRes, DNxHD, HuffYUV, Ut Video,
 * MagicYUV, v210, JPEG 2000 and others decode in place; all others are copied, once.
 */

#include <framering/framering.h>
#include <libavcodec/avcodec.h>

struct media_slot {
    struct fr_frame *frame; /* lent for the next picture, or NULL */
    uint64_t slot_size;     /* of the ring that it belongs to */
    int is_taken;
};

/* True if pictures of this codec may be decoded in place. */
int media_slot_suits(const AVCodec *decoder);

/* Makes the decoder ask for slots; before it is opened. */
void media_slot_use(struct media_slot *slot, AVCodecContext *codec);

/* The size of slots with room for what the decoder writes beside the picture, of that size. */
uint64_t media_slot_size(AVCodecContext *codec, int width, int height, enum fr_format format);

/* True if the picture lies in the lent frame. */
int media_slot_holds(const struct media_slot *slot, const AVFrame *picture);

#endif
