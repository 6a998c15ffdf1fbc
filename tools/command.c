/* SPDX-License-Identifier: MIT */

/* See command.h. */

#define _GNU_SOURCE

#include "command.h"

#include <errno.h>
#include <framering/framering.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void command_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("framering: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void command_parse(const struct argp *parser, int argc, char **argv, void *input)
{
    error_t error = argp_parse(parser, argc, argv, 0, NULL, input);
    if (error == 0)
        return;
    command_error("%s", strerror(error));
    exit(COMMAND_FAILED);
}

int command_refused(const char *name, int error)
{
    switch (error) {
    case FR_ENOENT:
        command_error("no stream \"%s\": framering ls shows those there are", name);
        return COMMAND_NO_STREAM;
    case FR_EINVAL:
        command_error("%s", fr_error_detail(error));
        return COMMAND_USAGE;
    default:
        command_error("cannot look at \"%s\": %s", name, fr_error_detail(error));
        return COMMAND_FAILED;
    }
}

uint64_t command_number(const char *text, uint64_t min, uint64_t max, const char *what,
                        const struct argp_state *state)
{
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < min || value > max)
        argp_error(state, "%s has to be a number from %" PRIu64 " to %" PRIu64 ", not '%s'.", what,
                   min, max, text);
    return value;
}

int64_t command_seconds(const char *text, const char *what, const struct argp_state *state)
{
    char *end = NULL;
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 0.001 && seconds <= 1e9))
        argp_error(state, "%s has to be seconds from 0.001 to 1000000000, not '%s'.", what, text);
    return (int64_t)(seconds * 1e9);
}

int command_json(json_t *json)
{
    if (!json) {
        command_error("out of memory");
        return -1;
    }
    int result = json_dumpf(json, stdout, JSON_REAL_PRECISION(9) | JSON_COMPACT);
    json_decref(json);
    if (result == 0 && fputc('\n', stdout) != EOF && fflush(stdout) == 0)
        return 0;
    command_error("cannot write the result: %s", strerror(errno));
    return -1;
}

int command_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return COMMAND_OK;
    command_error("cannot write the result: %s", strerror(errno));
    return COMMAND_FAILED;
}
