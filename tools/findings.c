/* SPDX-License-Identifier: MIT */

/* See findings.h: the list itself, and what is found by trying. The system is looked at elsewhere. */

#define _GNU_SOURCE

#include "findings.h"

#include <framering/framering.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TRIAL_SIDE 64

void finding_add(struct findings *findings, enum finding_level level, const char *check,
                 const char *format, ...)
{
    if (findings->count == MAX_FINDINGS)
        return;
    struct finding *finding = &findings->finding[findings->count++];
    *finding = (struct finding){ .level = level, .check = check };
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof finding->text, format, arguments);
    va_end(arguments);
}

void finding_fix(struct findings *findings, const char *format, ...)
{
    struct finding *finding = &findings->finding[findings->count - 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->fix, sizeof finding->fix, format, arguments);
    va_end(arguments);
}

static int publish(struct fr_writer *writer, uint8_t value)
{
    struct fr_frame *frame;
    int error = fr_frame_acquire(writer, TRIAL_SIDE, TRIAL_SIDE, FR_FORMAT_BGRX, FR_NOWAIT, &frame);
    if (error < 0)
        return error;
    for (uint32_t y = 0; y < TRIAL_SIDE; y++)
        memset(frame->plane[0].data + (ptrdiff_t)y * frame->plane[0].stride, value,
               frame->plane[0].row_bytes);
    return fr_frame_publish(&frame);
}

static int receive(const char *name, uint8_t value)
{
    struct fr_reader *reader;
    const struct fr_frame *frame;
    int error = fr_reader_open(name, &fr_reader_opts(.observe = 1), FR_NOWAIT, &reader);
    if (error < 0)
        return error;
    error = fr_frame_wait(reader, FR_LATEST, FR_S(1), &frame);
    if (error == 0 && (frame->width != TRIAL_SIDE || frame->plane[0].data[0] != value))
        error = FR_ECORRUPT;
    if (error == 0)
        fr_frame_release(&frame);
    fr_reader_close(&reader);
    return error;
}

void findings_of_trial(struct findings *findings)
{
    static const char check[] = "trial";
    char name[40];
    struct fr_writer *writer;
    snprintf(name, sizeof name, "framering-doctor-%ld", (long)getpid());
    uint64_t slot_size = fr_frame_size(TRIAL_SIDE, TRIAL_SIDE, FR_FORMAT_BGRX);
    int error =
        fr_writer_create(name, &fr_writer_opts(.slot_size = slot_size, .slots = 2, .observers = 1),
                         &writer);
    if (error == 0) {
        error = publish(writer, 0x5a);
        if (error == 0)
            error = receive(name, 0x5a);
        fr_writer_close(&writer);
    }
    if (error == 0) {
        finding_add(findings, FINDING_OK, check, "a frame went from a writer to a reader");
        return;
    }
    finding_add(findings, FINDING_BAD, check, "no frame gets through: %s", fr_error_detail(error));
    finding_fix(findings, "mend what is warned of here first");
}
