/* SPDX-License-Identifier: MIT */

/* framering info: all that can be seen of one object from outside, its members included. */

#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "look.h"
#include "words.h"

struct options {
    const char *name;
    int as_json;
};

static const struct argp_option table[] = {
    { .name = "json", .key = 'j', .doc = "Print an object instead, with whole histograms" },
    { 0 },
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'j':
        options->as_json = 1;
        return 0;
    case ARGP_KEY_ARG:
        if (options->name)
            argp_error(state, "it tells of one name, so '%s' is too much", text);
        options->name = text;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which one? framering ls shows those there are");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_frames(const struct look *look)
{
    const struct fr_info *info = &look->info;
    char text[WORDS_SIZE];
    char bytes[WORDS_SIZE];
    char age[WORDS_SIZE];
    if (info->format == FR_FORMAT_NONE) {
        puts("  picture    none to be seen");
        return;
    }
    printf("  picture    %s, %s", words_picture(info, text),
           words_bytes(look_frame_bytes(info), bytes));
    if (info->frame_rate.num > 0 && info->frame_rate.den > 0)
        printf(", %g fps by its own word",
               (double)info->frame_rate.num / (double)info->frame_rate.den);
    printf("\n  newest     published %s ago, captured %s ago\n",
           words_duration(look->time_ns - info->publish_ns, text),
           words_duration(look->time_ns - info->capture_ns, age));
}

static void print_ring(const struct look *look)
{
    const struct fr_info *info = &look->info;
    char slot[WORDS_SIZE];
    printf("  ring       %" PRIu32 " slots of %s, %s, %s\n", info->slots,
           words_bytes(info->slot_size, slot),
           info->delivery == FR_QUEUE ? "queue (each item to one reader)"
                                      : "broadcast (to every reader)",
           look_policy(info->overflow));
    print_frames(look);
    printf("  published  %" PRIu64 ", dropped %" PRIu64 ", overwritten unread %" PRIu64 "\n",
           info->published, info->dropped, info->overwritten);
    printf("  members    %" PRIu32 " writer%s, %" PRIu32 " reader%s; ", info->writers,
           info->writers == 1 ? "" : "s", info->readers, info->readers == 1 ? "" : "s");
    if (info->observers)
        printf("observers are admitted and hold %" PRIu32 " slot%s\n", info->observed,
               info->observed == 1 ? "" : "s");
    else
        puts("no observers are admitted");
}

static void print_counts(const struct look *look, const struct fr_member *member)
{
    uint64_t published = look->info.published;
    uint64_t lag = published > member->sequence ? published - member->sequence : 0;
    printf("  %-6s %7" PRIu32 " %-15s %4" PRIu32 " %10" PRIu64,
           member->is_writer ? "writer" : "reader", member->process, member->program, member->held,
           member->items);
    if (member->is_writer)
        printf(" %5s %7s %7s %7s\n", "-", "-", "-", "-");
    else
        printf(" %5" PRIu64 " %7" PRIu64 " %7" PRIu64 " %7" PRIu64 "\n", lag, member->loss.skipped,
               member->loss.overwritten, member->loss.dropped);
}

static void print_times(const struct fr_member *member)
{
    char text[4][WORDS_SIZE];
    const struct fr_histogram *latency = &member->latency;
    const struct fr_histogram *hold = &member->hold;
    printf("  %-6s %7" PRIu32 " %-15s %11s %10s %10s %10s\n",
           member->is_writer ? "writer" : "reader", member->process, member->program,
           words_duration(fr_histogram_quantile(latency, 0.5), text[0]),
           words_duration(fr_histogram_quantile(latency, 0.99), text[1]),
           words_duration(fr_histogram_quantile(hold, 0.5), text[2]),
           words_duration(fr_histogram_quantile(hold, 0.99), text[3]));
}

/* Two tables, so that each fits a terminal of 80 columns. */
static void print_members(const struct look *look)
{
    if (look->members == 0)
        return;
    printf("\n  %-6s %7s %-15s %4s %10s %5s %7s %7s %7s\n", "ROLE", "PROCESS", "PROGRAM", "HELD",
           "ITEMS", "LAG", "SKIPPED", "OVERWR.", "DROPPED");
    for (size_t i = 0; i < look->members; i++)
        print_counts(look, &look->member[i]);
    printf("\n  %-6s %7s %-15s %11s %10s %10s %10s\n", "ROLE", "PROCESS", "PROGRAM", "LATENCY p50",
           "p99", "HOLD p50", "p99");
    for (size_t i = 0; i < look->members; i++)
        print_times(&look->member[i]);
}

static void print_text(const struct look *look)
{
    const struct fr_info *info = &look->info;
    char bytes[WORDS_SIZE];
    char age[WORDS_SIZE];
    printf("%s: %s, %s\n", look->name, look_kind(look), look_state(look));
    printf("  memory     %s of /dev/shm, layout %" PRIu32 ".%" PRIu32 "\n",
           words_bytes(info->total_size, bytes), info->version_major, info->version_minor);
    printf("  made       %s ago, session %016" PRIx64 "\n",
           words_duration(look->time_ns - info->created_ns, age), info->session);
    if (info->kind != FR_KIND_RING)
        printf("  data       %s", words_bytes(info->data_size, bytes));
    if (info->kind == FR_KIND_ARRAY && info->element_size > 0)
        printf(", %" PRIu64 " elements of %s", info->data_size / info->element_size,
               words_bytes(info->element_size, bytes));
    if (info->kind != FR_KIND_RING) {
        putchar('\n');
        return;
    }
    print_ring(look);
    print_members(look);
}

int cmd_info(int argc, char **argv)
{
    static const struct argp parser = {
        .options = table,
        .parser = parse_option,
        .args_doc = "NAME",
        .doc = "Tells all that can be seen of a stream from outside: its memory, its newest frame, "
               "its writers and readers with what they lost, hold and how late they are.\v"
               "Latency: a reader's is from publication to delivery, a writer's from capture to "
               "publication. Hold: from getting a slot to giving it back.",
    };
    struct options options = { 0 };
    command_parse(&parser, argc, argv, &options);
    struct look look;
    int error = look_read(options.name, &look);
    int status = COMMAND_OK;
    if (error < 0)
        status = command_refused(options.name, error);
    else if (options.as_json)
        status = command_json(look_json(&look, 1)) < 0 ? COMMAND_FAILED : COMMAND_OK;
    else
        print_text(&look);
    look_free(&look);
    return status == COMMAND_OK ? command_flush() : status;
}
