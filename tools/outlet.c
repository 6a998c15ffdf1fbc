/* SPDX-License-Identifier: MIT */

/* See outlet.h. */

#define _GNU_SOURCE

#include "outlet.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "stop.h"

#define READER_POLL_MS 5

enum key { KEY_SLOTS = 512, KEY_POLICY, KEY_MODE, KEY_WAIT_FOR_READER };

static const struct argp_option table[] = {
    { .name = "slots", .key = KEY_SLOTS, .arg = "N", .doc = "Frames in the ring (default: 8)" },
    { .name = "policy",
      .key = KEY_POLICY,
      .arg = "WORD",
      .doc = "When no slot is free: block, drop-oldest (default) or drop-newest" },
    { .name = "mode",
      .key = KEY_MODE,
      .arg = "OCTAL",
      .doc = "Permissions of the ring (default: 0600)" },
    { .name = "wait-for-reader",
      .key = KEY_WAIT_FOR_READER,
      .doc = "Begin when the first reader is there" },
    { 0 },
};

static const char *const policies[] = {
    [FR_BLOCK] = "block",
    [FR_DROP_OLDEST] = "drop-oldest",
    [FR_DROP_NEWEST] = "drop-newest",
};

const char *outlet_policy_name(enum fr_overflow policy)
{
    return policies[policy];
}

static enum fr_overflow parse_policy(const char *text, const struct argp_state *state)
{
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
        if (strcmp(text, policies[i]) == 0)
            return (enum fr_overflow)i;
    argp_error(state, "The policy has to be block, drop-oldest or drop-newest, not '%s'.", text);
    return FR_BLOCK;
}

static uint32_t parse_mode(const char *text, const struct argp_state *state)
{
    char *end;
    unsigned long mode = strtoul(text, &end, 8);
    if (end == text || *end != '\0' || mode == 0 || mode > 0777)
        argp_error(state, "The mode has to be permission bits in octal, as 0640, not '%s'.", text);
    return (uint32_t)mode;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct outlet_opts *opts = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        opts->policy = FR_DROP_OLDEST;
        return 0;
    case KEY_SLOTS:
        opts->slots = (uint32_t)command_number(text, FR_MIN_SLOTS, FR_MAX_SLOTS,
                                               "The number of slots", state);
        return 0;
    case KEY_POLICY:
        opts->policy = parse_policy(text, state);
        return 0;
    case KEY_MODE:
        opts->mode = parse_mode(text, state);
        return 0;
    case KEY_WAIT_FOR_READER:
        opts->must_wait = 1;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp outlet_argp = { .options = table, .parser = parse_option };

uint32_t outlet_count_readers(const char *name)
{
    struct fr_info info = fr_info();
    return fr_inspect(name, &info) == 0 ? info.readers : 0;
}

/* The ring has no way to tell a writer that somebody came, so this looks again and again. */
static void wait_for_reader(const char *name)
{
    while (!stop_asked && outlet_count_readers(name) == 0)
        stop_sleep_until(fr_now_ns() + FR_MS(READER_POLL_MS));
}

int outlet_open(const struct outlet_opts *opts, uint64_t slot_size, struct fr_writer **out)
{
    struct fr_writer_opts how =
        fr_writer_opts(.slot_size = slot_size, .slots = opts->slots, .overflow = opts->policy,
                       .mode = opts->mode, .observers = 1);
    int error = fr_writer_create(opts->name, &how, out);
    switch (error) {
    case 0:
        break;
    case FR_EINVAL:
        command_error("%s", fr_error_detail(error));
        return COMMAND_USAGE;
    case FR_EEXIST:
        command_error("the stream \"%s\" is there already: choose another name (framering ls)",
                      opts->name);
        return COMMAND_FAILED;
    default:
        command_error("cannot make the stream \"%s\": %s", opts->name, fr_error_detail(error));
        return COMMAND_FAILED;
    }
    if (opts->must_wait)
        wait_for_reader(opts->name);
    return COMMAND_OK;
}

void outlet_refused(const struct outlet_opts *opts, int error)
{
    if (error == FR_EMSGSIZE)
        command_error("a picture is larger than the first one, for which \"%s\" was made; begin "
                      "with the largest",
                      opts->name);
    else
        command_error("cannot write to \"%s\": %s", opts->name, fr_error_detail(error));
}
