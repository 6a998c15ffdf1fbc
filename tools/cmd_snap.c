/* SPDX-License-Identifier: MIT */

/*
 * framering snap: the newest frame of a stream as PNG, each sample as it is, with what is known of
 * the frame as text chunks. It reads as an observer where the stream admits them, and else as a
 * reader that never holds a writer back.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <framering/framering.h>
#include <framering/meta.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "png_file.h"
#include "transfer.h"

#define WAIT_NS FR_S(5) /* for a stream that is there but has no frame yet */
#define MAX_NOTES 8
#define NOTE_SIZE 256

struct options {
    const char *name;
    const char *path;
};

struct notes {
    struct png_note note[MAX_NOTES];
    char text[MAX_NOTES][NOTE_SIZE];
    size_t count;
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    if (key == ARGP_KEY_END && (!options->name || !options->path))
        argp_error(state, "it needs the stream's NAME and a FILE, or - for standard output");
    if (key != ARGP_KEY_ARG)
        return key == ARGP_KEY_END ? 0 : ARGP_ERR_UNKNOWN;
    if (!options->name)
        options->name = text;
    else if (!options->path)
        options->path = text;
    else
        argp_error(state, "it writes one FILE, so '%s' is too much", text);
    return 0;
}

__attribute__((format(printf, 3, 4))) static void add_note(struct notes *notes, const char *keyword,
                                                           const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(notes->text[notes->count], NOTE_SIZE, format, arguments);
    va_end(arguments);
    notes->note[notes->count] = (struct png_note){ keyword, notes->text[notes->count] };
    notes->count++;
}

static void describe(const struct options *options, const struct fr_frame *frame,
                     struct notes *notes)
{
    size_t size = 0;
    const char *label = fr_frame_meta(frame, FR_META_LABEL, &size);
    add_note(notes, "stream", "%s", options->name);
    add_note(notes, "format", "%s", fr_format_info(frame->format)->name);
    add_note(notes, "sequence", "%" PRIu64, frame->sequence);
    if (frame->pts != FR_NO_PTS) {
        add_note(notes, "pts", "%" PRId64, frame->pts);
        add_note(notes, "time_base", "%" PRId32 "/%" PRId32, frame->time_base.num,
                 frame->time_base.den);
    }
    add_note(notes, "capture_ns", "%" PRId64, frame->capture_ns);
    if (label)
        add_note(notes, "label", "%.*s", (int)(size < NOTE_SIZE ? size : NOTE_SIZE - 1), label);
}

/* Half a picture is worse than none; but what is not a file was there before and stays. */
static void remove_file(const char *path)
{
    struct stat status;
    if (lstat(path, &status) == 0 && S_ISREG(status.st_mode))
        remove(path);
}

static int write_file(const struct options *options, const struct fr_frame *frame)
{
    struct notes notes = { .count = 0 };
    const char *why = NULL;
    describe(options, frame, &notes);
    int is_stdout = strcmp(options->path, "-") == 0;
    FILE *file = is_stdout ? stdout : fopen(options->path, "wb");
    if (!file) {
        command_error("cannot write %s: %s", options->path, transfer_strerror(-errno));
        return COMMAND_FAILED;
    }
    int result = png_file_write(file, frame, notes.note, notes.count, &why);
    int flushed = is_stdout ? fflush(file) : fclose(file);
    if (result == 0 && flushed != 0) {
        why = transfer_strerror(-errno);
        result = -1;
    }
    if (result == 0)
        return COMMAND_OK;
    command_error("cannot write %s: %s", is_stdout ? "the picture" : options->path, why);
    if (!is_stdout)
        remove_file(options->path);
    return COMMAND_FAILED;
}

static int read_frame(const struct options *options, struct fr_reader *reader)
{
    const struct fr_frame *frame;
    int error = fr_frame_wait(reader, FR_LATEST, WAIT_NS, &frame);
    if (error == 0) {
        int status = write_file(options, frame);
        fr_frame_release(&frame);
        return status;
    }
    if (error == FR_ETIMEDOUT || error == FR_ECLOSED || error == FR_EOWNERDEAD)
        command_error("no frame came from \"%s\": framering info %s tells who writes it",
                      options->name, options->name);
    else
        command_error("cannot read \"%s\": %s", options->name, fr_error_detail(error));
    return COMMAND_FAILED;
}

/* What can be opened but has no newest frame that everybody may see. */
static int is_refused(const struct options *options, const struct fr_info *info)
{
    if (info->kind == FR_KIND_RING && info->delivery == FR_BROADCAST)
        return 0;
    if (info->kind == FR_KIND_RING)
        command_error("\"%s\" is a queue, and a frame taken out of it would be missing elsewhere: "
                      "snap can only look at broadcast streams",
                      options->name);
    else
        command_error("\"%s\" is no stream but plain memory: framering info %s tells of it",
                      options->name, options->name);
    return 1;
}

int cmd_snap(int argc, char **argv)
{
    static const struct argp parser = {
        .parser = parse_option,
        .args_doc = "NAME FILE",
        .doc = "Writes the newest frame as PNG, its samples as they are: 8 to 16 bits, alpha and "
               "gray are kept, YUV becomes RGB. FILE - is standard output.\v"
               "The chunks of text in the file say stream, format, sequence, pts, time_base, "
               "capture_ns and label, as far as they are known.",
    };
    struct options options = { 0 };
    command_parse(&parser, argc, argv, &options);
    if (strcmp(options.path, "-") == 0 && isatty(STDOUT_FILENO)) {
        command_error("a picture does not belong on a terminal: give a file, or a pipe behind -");
        return COMMAND_USAGE;
    }
    struct fr_info info = fr_info();
    int error = fr_inspect(options.name, &info);
    if (error == 0 && is_refused(&options, &info))
        return COMMAND_FAILED;
    struct fr_reader *reader = NULL;
    if (error == 0)
        error = fr_reader_open(options.name,
                               &fr_reader_opts(.observe = info.observers, .lossy = !info.observers),
                               FR_NOWAIT, &reader);
    if (error < 0)
        return command_refused(options.name, error);
    int status = read_frame(&options, reader);
    fr_reader_close(&reader);
    return status;
}
