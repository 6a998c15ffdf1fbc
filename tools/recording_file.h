/* SPDX-License-Identifier: MIT */
#ifndef RECORDING_FILE_H
#define RECORDING_FILE_H

/* The parts of a recording that only recorder.c and recording.c know; see recording.h. */

#include <stdint.h>

#define RECORDING_MAGIC "FRAMEREC" /* without the 0 at its end */
#define RECORDING_VERSION 1
#define RECORDING_ENTRY_HEAD 8

struct recording_file_header {
    char magic[8];
    uint32_t version;
    uint32_t header_bytes;
    int64_t start_wall_ns;
    int64_t start_ns;
    uint8_t reserved[28];
    uint32_t crc;
};

struct recording_trailer {
    uint32_t crc;
    uint32_t magic;
    uint64_t length;
};

static inline uint64_t recording_padded(uint64_t size)
{
    return (size + 7) / 8 * 8;
}

#endif
