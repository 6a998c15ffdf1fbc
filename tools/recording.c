/* SPDX-License-Identifier: MIT */

/*
 * See recording.h: the side that reads. Nothing in a file is believed: a head counts only if its
 * checksum and its sizes fit each other, the format and the file, and pixels are read into a slot
 * that nobody sees before their checksum was right.
 */

#define _GNU_SOURCE

#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <framering/meta.h>

#include "recording_file.h"
#include "transfer.h"

#define MAX_PIECES 64

struct recording {
    int fd;
    uint64_t size;
    uint64_t start; /* of the first record */
    uint64_t at;    /* of the record that head is of */
    uint64_t next;
    struct recording_head head;
    uint8_t meta[RECORDING_MAX_META];
};

/* 0 if all bytes were there. */
static int read_at(const struct recording *recording, void *to, size_t size, uint64_t offset)
{
    if (offset > recording->size || size > recording->size - offset)
        return -1;
    return pread(recording->fd, to, size, (off_t)offset) == (ssize_t)size ? 0 : -1;
}

static int read_header(struct recording *recording)
{
    struct recording_file_header header;
    if (read_at(recording, &header, sizeof header, 0) < 0 ||
        memcmp(header.magic, RECORDING_MAGIC, sizeof header.magic) != 0)
        return FR_EFOREIGN;
    if (header.version != RECORDING_VERSION)
        return FR_EVERSION;
    uLong crc = crc32_z(0, (const uint8_t *)&header, sizeof header - sizeof header.crc);
    if (crc != header.crc || header.header_bytes < sizeof header)
        return FR_EFOREIGN;
    recording->start = header.header_bytes;
    recording->next = recording->start;
    return 0;
}

static uint64_t pixel_bytes_of(const struct recording_head *head)
{
    const struct fr_format_info *info = fr_format_info((enum fr_format)head->format);
    uint64_t bytes = 0;
    for (uint32_t i = 0; info && i < info->planes; i++) {
        const struct fr_plane_info *plane = &info->plane[i];
        uint64_t columns = ((uint64_t)head->width + (1u << plane->log2_w) - 1) >> plane->log2_w;
        uint64_t rows = ((uint64_t)head->height + (1u << plane->log2_h) - 1) >> plane->log2_h;
        bytes += columns * rows * plane->group_bytes;
    }
    return bytes;
}

/* True if the head is one, and says what can be. */
static int is_head(const struct recording_head *head)
{
    uLong crc = crc32_z(0, (const uint8_t *)head, sizeof *head - sizeof head->crc);
    if (head->magic != RECORDING_FRAME || head->head_bytes != sizeof *head || head->crc != crc)
        return 0;
    if (fr_frame_size(head->width, head->height, (enum fr_format)head->format) == 0)
        return 0;
    return head->pixel_bytes == pixel_bytes_of(head) && head->meta_bytes <= RECORDING_MAX_META &&
           head->meta_bytes % 8 == 0 &&
           head->length == sizeof *head + head->meta_bytes + recording_padded(head->pixel_bytes) +
                               sizeof(struct recording_trailer);
}

static int read_trailer(const struct recording *recording, struct recording_trailer *trailer)
{
    const struct recording_head *head = &recording->head;
    uint64_t at = recording->at + head->length - sizeof *trailer;
    if (read_at(recording, trailer, sizeof *trailer, at) < 0)
        return -1;
    return trailer->magic == RECORDING_END && trailer->length == head->length ? 0 : -1;
}

const struct recording_head *recording_next(struct recording *recording)
{
    struct recording_trailer trailer;
    recording->at = recording->next;
    if (read_at(recording, &recording->head, sizeof recording->head, recording->at) < 0 ||
        !is_head(&recording->head) || read_trailer(recording, &trailer) < 0) {
        recording->next = recording->start;
        return NULL;
    }
    recording->next = recording->at + recording->head.length;
    return &recording->head;
}

static void look_through(struct recording *recording, struct recording_info *info)
{
    *info = (struct recording_info){ 0 };
    uint64_t end = recording->start;
    const struct recording_head *head = recording_next(recording);
    while (head) {
        uint64_t slot_size = fr_frame_size(head->width, head->height, (enum fr_format)head->format);
        if (slot_size > info->slot_size)
            info->slot_size = slot_size;
        info->frames++;
        end += head->length;
        head = recording_next(recording);
    }
    info->rest_bytes = recording->size - end;
}

int recording_open(const char *path, struct recording **out, struct recording_info *info)
{
    struct stat status = { 0 };
    *out = calloc(1, sizeof **out);
    if (!*out)
        return FR_ENOMEM;
    (*out)->fd = open(path, O_RDONLY | O_CLOEXEC);
    int error = (*out)->fd < 0 || fstat((*out)->fd, &status) < 0 ? -errno : 0;
    if (error == 0 && !S_ISREG(status.st_mode))
        error = FR_EFOREIGN;
    if (error == 0) {
        (*out)->size = (uint64_t)status.st_size;
        error = read_header(*out);
    }
    if (error < 0) {
        recording_close(out);
        return error;
    }
    look_through(*out, info);
    return 0;
}

void recording_close(struct recording **recording)
{
    if (!*recording)
        return;
    if ((*recording)->fd >= 0)
        close((*recording)->fd);
    free(*recording);
    *recording = NULL;
}

static void set_fields(const struct recording_head *head, struct fr_frame *frame)
{
    frame->pts = head->pts;
    frame->duration = head->duration;
    frame->time_base = (struct fr_rational){ head->time_base[0], head->time_base[1] };
    frame->frame_rate = (struct fr_rational){ head->frame_rate[0], head->frame_rate[1] };
    frame->sample_aspect = (struct fr_rational){ head->sample_aspect[0], head->sample_aspect[1] };
    frame->source_number = head->source_number;
    frame->source_drops = head->source_drops;
    frame->flags = head->flags;
    frame->color = (struct fr_color){ .range = head->color[0],
                                      .primaries = head->color[1],
                                      .transfer = head->color[2],
                                      .matrix = head->color[3],
                                      .chroma_location = head->color[4] };
}

static int set_entry(struct fr_frame *frame, uint32_t type, const uint8_t *data, size_t size,
                     int with_damage)
{
    struct fr_rect rects[FR_MAX_DAMAGE];
    if (type != FR_META_DAMAGE)
        return fr_frame_set_meta(frame, type, data, size);
    if (!with_damage || size > sizeof rects)
        return 0;
    memcpy(rects, data, size);
    return fr_frame_set_damage(frame, rects, size / sizeof *rects);
}

static int set_meta(const struct recording *recording, struct fr_frame *frame, int with_damage)
{
    size_t left = recording->head.meta_bytes;
    const uint8_t *entry = recording->meta;
    while (left >= RECORDING_ENTRY_HEAD) {
        uint32_t words[2];
        memcpy(words, entry, sizeof words);
        uint64_t need = RECORDING_ENTRY_HEAD + recording_padded(words[1]);
        if (need > left)
            return FR_ECORRUPT;
        int error = set_entry(frame, words[0], entry + RECORDING_ENTRY_HEAD, words[1], with_damage);
        if (error < 0)
            return error;
        entry += need;
        left -= (size_t)need;
    }
    return 0;
}

/* Reads metadata and pixels. FR_ECORRUPT if their checksum is wrong. */
static int read_record(struct recording *recording, struct fr_frame *frame)
{
    const struct recording_head *head = &recording->head;
    struct recording_trailer trailer;
    struct iovec pieces[MAX_PIECES];
    struct transfer_walk walk = { .frame = frame };
    uint64_t at = recording->at + sizeof *head;
    if (read_trailer(recording, &trailer) < 0 ||
        read_at(recording, recording->meta, head->meta_bytes, at) < 0)
        return FR_ECORRUPT;
    at += head->meta_bytes;
    uLong crc = crc32_z(0, recording->meta, head->meta_bytes);
    int count = transfer_pieces(&walk, pieces, MAX_PIECES);
    while (count > 0) {
        ssize_t got = preadv(recording->fd, pieces, count, (off_t)at);
        size_t expected = 0;
        for (int i = 0; i < count; i++)
            expected += pieces[i].iov_len;
        if (got != (ssize_t)expected)
            return FR_ECORRUPT;
        for (int i = 0; i < count; i++)
            crc = crc32_z(crc, pieces[i].iov_base, pieces[i].iov_len);
        at += expected;
        count = transfer_pieces(&walk, pieces, MAX_PIECES);
    }
    return crc == trailer.crc ? 0 : FR_ECORRUPT;
}

enum recording_result recording_fill(struct recording *recording, struct fr_writer *writer,
                                     int with_damage, int64_t timeout_ns, struct fr_frame **frame,
                                     int *error)
{
    const struct recording_head *head = &recording->head;
    *error = fr_frame_acquire(writer, head->width, head->height, (enum fr_format)head->format,
                              timeout_ns, frame);
    if (*error == FR_ETIMEDOUT)
        return RECORDING_FULL;
    if (*error < 0)
        return RECORDING_FAILED;
    *error = read_record(recording, *frame);
    if (*error == 0) {
        set_fields(head, *frame);
        *error = set_meta(recording, *frame, with_damage);
    }
    if (*error == 0)
        return RECORDING_OK;
    fr_frame_abort(frame);
    return *error == FR_ECORRUPT ? RECORDING_DAMAGED : RECORDING_FAILED;
}
