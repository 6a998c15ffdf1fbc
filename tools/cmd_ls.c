/* SPDX-License-Identifier: MIT */

/* framering ls: one line for each name there is, or one array of JSON. */

#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "look.h"
#include "words.h"

static const struct argp_option table[] = {
    { .name = "json", .key = 'j', .doc = "Print an array of objects instead" },
    { 0 },
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    int *as_json = state->input;
    switch (key) {
    case 'j':
        *as_json = 1;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "it takes no name, not '%s' either; framering info NAME tells of one",
                   text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int print_json(const struct look_list *list)
{
    json_t *all = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(all, look_json(&list->look[i], 0));
    return command_json(all) < 0 ? COMMAND_FAILED : COMMAND_OK;
}

static void print_line(const struct look *look)
{
    const struct fr_info *info = &look->info;
    char picture[WORDS_SIZE];
    char size[WORDS_SIZE];
    if (look->error < 0) {
        printf("%-24s %-10s %-6s %s\n", look->name, look_state(look), look_kind(look),
               fr_strerror(look->error));
        return;
    }
    printf("%-24s %-10s %-6s %-22s", look->name, look_state(look), look_kind(look),
           words_picture(info, picture));
    if (info->kind == FR_KIND_RING)
        printf(" %5" PRIu32 " %7" PRIu32 " %7" PRIu32 " %10" PRIu64, info->slots, info->writers,
               info->readers, info->published);
    else
        printf(" %5s %7s %7s %10s", "-", "-", "-", "-");
    printf(" %10s\n", words_bytes(info->total_size, size));
}

int cmd_ls(int argc, char **argv)
{
    static const struct argp parser = {
        .options = table,
        .parser = parse_option,
        .doc = "Lists the streams, regions and arrays of this machine. Nothing is attached to, and "
               "nobody notices.",
    };
    int as_json = 0;
    command_parse(&parser, argc, argv, &as_json);
    struct look_list list;
    int error = look_read_all(&list);
    if (error < 0) {
        command_error("cannot list /dev/shm: %s", fr_error_detail(error));
        return COMMAND_FAILED;
    }
    int status = COMMAND_OK;
    if (as_json) {
        status = print_json(&list);
    } else {
        printf("%-24s %-10s %-6s %-22s %5s %7s %7s %10s %10s\n", "NAME", "STATE", "KIND", "PICTURE",
               "SLOTS", "WRITERS", "READERS", "PUBLISHED", "SIZE");
        for (size_t i = 0; i < list.count; i++)
            print_line(&list.look[i]);
    }
    look_list_free(&list);
    return status == COMMAND_OK ? command_flush() : status;
}
