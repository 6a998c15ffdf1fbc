/* SPDX-License-Identifier: MIT */

/* See recording.h: the side that writes. */

#define _GNU_SOURCE

#include "recording.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <framering/meta.h>

#include "recording_file.h"
#include "transfer.h"

#define MAX_PIECES 64

static_assert(sizeof(struct recording_head) == 168, "the head is what recording.h says");
static_assert(sizeof(struct recording_file_header) == 64, "so is the header of the file");

struct recorder {
    int fd;
    int error;         /* the first; nothing is added behind it */
    uint64_t bytes;    /* of whole frames */
    uint64_t sequence; /* of the frame before */
    uint64_t session;
    uint8_t meta[RECORDING_MAX_META];
    size_t meta_bytes;
};

static int write_header(int fd)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct recording_file_header header = {
        .magic = RECORDING_MAGIC,
        .version = RECORDING_VERSION,
        .header_bytes = sizeof header,
        .start_wall_ns = now.tv_sec * FR_S(1) + now.tv_nsec,
        .start_ns = fr_now_ns(),
    };
    header.crc = (uint32_t)crc32_z(0, (const uint8_t *)&header, sizeof header - sizeof header.crc);
    return transfer_write(fd, &header, sizeof header);
}

int recorder_create(const char *path, struct recorder **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return FR_ENOMEM;
    (*out)->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int error = (*out)->fd < 0 ? -errno : write_header((*out)->fd);
    if (error == 0) {
        (*out)->bytes = sizeof(struct recording_file_header);
        return 0;
    }
    if ((*out)->fd >= 0)
        close((*out)->fd);
    free(*out);
    *out = NULL;
    return error;
}

static int add_entry(struct recorder *recorder, uint32_t type, const void *data, size_t size)
{
    size_t need = RECORDING_ENTRY_HEAD + recording_padded(size);
    if (need > sizeof recorder->meta - recorder->meta_bytes)
        return FR_EMSGSIZE;
    uint8_t *to = recorder->meta + recorder->meta_bytes;
    const uint32_t words[2] = { type, (uint32_t)size };
    memset(to, 0, need);
    memcpy(to, words, sizeof words);
    if (size > 0)
        memcpy(to + RECORDING_ENTRY_HEAD, data, size);
    recorder->meta_bytes += need;
    return 0;
}

/* What the frame says of damage holds against the frame before it, which may not be in the file. */
static int add_damage(struct recorder *recorder, const struct fr_frame *frame)
{
    struct fr_rect rects[FR_MAX_DAMAGE];
    uint64_t since = frame->session == recorder->session ? recorder->sequence : 0;
    size_t count = fr_frame_damage(frame, since, rects);
    return add_entry(recorder, FR_META_DAMAGE, rects, count * sizeof *rects);
}

static int gather_meta(struct recorder *recorder, const struct fr_frame *frame)
{
    uint32_t type;
    size_t size;
    int error = 0;
    recorder->meta_bytes = 0;
    const void *data = fr_frame_meta_at(frame, 0, &type, &size);
    for (size_t i = 1; data && error == 0; i++) {
        error = type == FR_META_DAMAGE ? add_damage(recorder, frame)
                                       : add_entry(recorder, type, data, size);
        data = fr_frame_meta_at(frame, i, &type, &size);
    }
    return error;
}

static struct recording_head describe(const struct recorder *recorder, const struct fr_frame *frame)
{
    uint64_t pixel_bytes = transfer_frame_bytes(frame);
    struct recording_head head = {
        .magic = RECORDING_FRAME,
        .head_bytes = sizeof head,
        .length = sizeof head + recorder->meta_bytes + recording_padded(pixel_bytes) +
                  sizeof(struct recording_trailer),
        .sequence = frame->sequence,
        .session = frame->session,
        .skipped = frame->loss.skipped,
        .overwritten = frame->loss.overwritten,
        .dropped = frame->loss.dropped,
        .pixel_bytes = pixel_bytes,
        .meta_bytes = (uint32_t)recorder->meta_bytes,
        .format = frame->format,
        .width = frame->width,
        .height = frame->height,
        .pts = frame->pts,
        .duration = frame->duration,
        .time_base = { frame->time_base.num, frame->time_base.den },
        .frame_rate = { frame->frame_rate.num, frame->frame_rate.den },
        .sample_aspect = { frame->sample_aspect.num, frame->sample_aspect.den },
        .capture_ns = frame->capture_ns,
        .publish_ns = frame->publish_ns,
        .source_number = frame->source_number,
        .source_drops = frame->source_drops,
        .flags = frame->flags,
        .color = { frame->color.range, frame->color.primaries, frame->color.transfer,
                   frame->color.matrix, frame->color.chroma_location },
    };
    head.crc = (uint32_t)crc32_z(0, (const uint8_t *)&head, sizeof head - sizeof head.crc);
    return head;
}

static uint32_t sum_of(const struct recorder *recorder, const struct fr_frame *frame)
{
    struct iovec pieces[MAX_PIECES];
    struct transfer_walk walk = { .frame = frame };
    uLong crc = crc32_z(0, recorder->meta, recorder->meta_bytes);
    int count = transfer_pieces(&walk, pieces, MAX_PIECES);
    while (count > 0) {
        for (int i = 0; i < count; i++)
            crc = crc32_z(crc, pieces[i].iov_base, pieces[i].iov_len);
        count = transfer_pieces(&walk, pieces, MAX_PIECES);
    }
    return (uint32_t)crc;
}

static int write_record(const struct recorder *recorder, const struct recording_head *head,
                        const struct fr_frame *frame)
{
    static const uint8_t zeros[8];
    struct recording_trailer trailer = { .crc = sum_of(recorder, frame),
                                         .magic = RECORDING_END,
                                         .length = head->length };
    int error = transfer_write(recorder->fd, head, sizeof *head);
    if (error == 0)
        error = transfer_write(recorder->fd, recorder->meta, recorder->meta_bytes);
    if (error == 0)
        error = transfer_write_frame(recorder->fd, frame);
    if (error == 0)
        error = transfer_write(recorder->fd, zeros,
                               recording_padded(head->pixel_bytes) - head->pixel_bytes);
    return error == 0 ? transfer_write(recorder->fd, &trailer, sizeof trailer) : error;
}

int recorder_add(struct recorder *recorder, const struct fr_frame *frame)
{
    if (recorder->error < 0)
        return recorder->error;
    int error = gather_meta(recorder, frame);
    if (error == 0) {
        struct recording_head head = describe(recorder, frame);
        error = write_record(recorder, &head, frame);
        recorder->bytes += error == 0 ? head.length : 0;
    }
    recorder->sequence = frame->sequence;
    recorder->session = frame->session;
    recorder->error = error;
    /* A disk that is full has room for nothing, but cutting off always works. */
    if (error < 0 && ftruncate(recorder->fd, (off_t)recorder->bytes) < 0)
        return error;
    return error;
}

uint64_t recorder_bytes(const struct recorder *recorder)
{
    return recorder->bytes;
}

int recorder_close(struct recorder **recorder)
{
    if (!*recorder)
        return 0;
    int error = close((*recorder)->fd) < 0 ? -errno : 0;
    free(*recorder);
    *recorder = NULL;
    return error;
}
