/* SPDX-License-Identifier: MIT */

/*
 * framering top: all streams and who writes and reads them, again and again: on a terminal as a
 * screen that scrolls (ncurses), with -b as text and with --json as one object a line. It reads the
 * shared memory and attaches to nothing.
 */

#define _GNU_SOURCE

#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "top_table.h"

#define FIRST_DELAY_NS FR_MS(250) /* rates need two looks, and nobody likes to wait for the first */
#define ESCAPE 27

struct options {
    uint64_t rounds; /* 0: without end */
    int64_t delay_ns;
    int is_batch;
    int as_json;
};

struct screen {
    struct watch watch;
    struct top_table table;
    size_t scroll;
};

static volatile sig_atomic_t stop;

static const struct argp_option table[] = {
    { .name = "batch", .key = 'b', .doc = "Print text, without a terminal" },
    { .name = "iterations", .key = 'n', .arg = "N", .doc = "Stop after N rounds" },
    { .name = "delay",
      .key = 'd',
      .arg = "SECONDS",
      .doc = "From one round to the next (default: 1)" },
    { .name = "json", .key = 'j', .doc = "Print one object a line for each round (implies -b)" },
    { 0 },
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'b':
        options->is_batch = 1;
        return 0;
    case 'n':
        options->rounds = command_number(text, 1, UINT32_MAX, "The number of rounds", state);
        return 0;
    case 'd':
        options->delay_ns = command_seconds(text, "The delay", state);
        return 0;
    case 'j':
        options->as_json = 1;
        options->is_batch = 1;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "it shows all streams and takes no name, not '%s' either", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void on_signal(int signal_number)
{
    (void)signal_number;
    stop = 1;
}

/* Set before curses starts, which only puts its own handlers where there are none. */
static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static int look_again(struct screen *screen)
{
    int error = watch_update(&screen->watch);
    if (error == 0)
        error = top_table_fill(&screen->table, &screen->watch);
    return error;
}

static int failed(int error)
{
    command_error("cannot list /dev/shm: %s", fr_error_detail(error));
    return COMMAND_FAILED;
}

/* Without a terminal ------------------------------------------------------------------------- */

static int print_round(const struct options *options, const struct screen *screen, uint64_t round)
{
    if (options->as_json)
        return command_json(watch_json(&screen->watch)) < 0 ? COMMAND_FAILED : COMMAND_OK;
    if (round > 0)
        putchar('\n');
    for (size_t i = 0; i < screen->table.count; i++) {
        const char *text = screen->table.line[i].text;
        size_t length = strlen(text);
        while (length > 0 && text[length - 1] == ' ')
            length--;
        printf("%.*s\n", (int)length, text);
    }
    return command_flush();
}

/* Interrupted by a signal, it returns early. */
static void pause_ns(int64_t ns)
{
    const struct timespec time = { .tv_sec = ns / FR_S(1), .tv_nsec = ns % FR_S(1) };
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

static int run_batch(const struct options *options, struct screen *screen)
{
    int status = COMMAND_OK;
    int error = look_again(screen);
    for (uint64_t round = 0; status == COMMAND_OK && error == 0 && !stop; round++) {
        if (options->rounds > 0 && round >= options->rounds)
            return COMMAND_OK;
        pause_ns(options->delay_ns);
        error = stop ? 0 : look_again(screen);
        if (error == 0 && !stop)
            status = print_round(options, screen, round);
    }
    return error < 0 ? failed(error) : status;
}

/* On a terminal ------------------------------------------------------------------------------ */

static size_t visible_rows(void)
{
    return LINES > TOP_TABLE_HEAD + 1 ? (size_t)LINES - TOP_TABLE_HEAD - 1 : 0;
}

static int attributes_of(enum line_style style)
{
    switch (style) {
    case LINE_HEAD:
        return (int)A_REVERSE;
    case LINE_STREAM:
    case LINE_TITLE:
        return (int)A_BOLD;
    case LINE_GONE:
        return (int)A_DIM;
    default:
        return (int)A_NORMAL;
    }
}

static void draw_line(int y, const struct line *line)
{
    attrset(attributes_of(line->style));
    mvaddnstr(y, 0, line->text, COLS);
    if (line->style == LINE_HEAD)
        for (int x = (int)strlen(line->text); x < COLS; x++)
            addch(' ');
    attrset(A_NORMAL);
}

static void draw(const struct screen *screen)
{
    const struct top_table *lines = &screen->table;
    erase();
    for (size_t i = 0; i < TOP_TABLE_HEAD && i < lines->count; i++)
        draw_line((int)i, &lines->line[i]);
    for (size_t i = 0; i < visible_rows(); i++)
        if (TOP_TABLE_HEAD + screen->scroll + i < lines->count)
            draw_line((int)(TOP_TABLE_HEAD + i), &lines->line[TOP_TABLE_HEAD + screen->scroll + i]);
    mvaddnstr(LINES - 1, 0,
              "q quit, arrows scroll; w writes, r reads, o only looks; P50 and P99: latency", COLS);
    refresh();
}

static void scroll_by(struct screen *screen, long rows)
{
    size_t body = screen->table.count - TOP_TABLE_HEAD;
    size_t most = body > visible_rows() ? body - visible_rows() : 0;
    if (rows < 0)
        screen->scroll -= (size_t)-rows < screen->scroll ? (size_t)-rows : screen->scroll;
    else
        screen->scroll += (size_t)rows;
    if (screen->scroll > most)
        screen->scroll = most;
}

static void handle_key(struct screen *screen, int key)
{
    switch (key) {
    case 'q':
    case ESCAPE:
        stop = 1;
        return;
    case KEY_UP:
        scroll_by(screen, -1);
        break;
    case KEY_DOWN:
        scroll_by(screen, 1);
        break;
    case KEY_PPAGE:
        scroll_by(screen, -(long)visible_rows());
        break;
    case KEY_NPAGE:
        scroll_by(screen, (long)visible_rows());
        break;
    default: /* also KEY_RESIZE */
        break;
    }
    scroll_by(screen, 0);
    draw(screen);
}

static void handle_keys_until(struct screen *screen, int64_t end_ns)
{
    while (!stop) {
        int64_t left_ns = end_ns - fr_now_ns();
        timeout(left_ns > 0 ? (int)(left_ns / FR_MS(1)) + 1 : 0);
        int key = getch();
        if (key != ERR)
            handle_key(screen, key);
        if (left_ns <= 0)
            return;
    }
}

static int watch_screen(const struct options *options, struct screen *screen)
{
    for (uint64_t round = 0; !stop; round++) {
        int error = look_again(screen);
        if (error < 0)
            return error;
        scroll_by(screen, 0);
        draw(screen);
        /* The look without rates before the first is no round. */
        if (options->rounds > 0 && round >= options->rounds)
            return 0;
        int64_t delay_ns = options->delay_ns;
        if (round == 0 && delay_ns > FIRST_DELAY_NS)
            delay_ns = FIRST_DELAY_NS;
        handle_keys_until(screen, fr_now_ns() + delay_ns);
    }
    return 0;
}

static int run_screen(const struct options *options, struct screen *screen)
{
    setlocale(LC_CTYPE, "");
    SCREEN *terminal = newterm(NULL, stdout, stdin);
    if (!terminal) {
        command_error("this terminal is of no known type: set TERM, or use top -b");
        return COMMAND_FAILED;
    }
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    set_escdelay(50);
    int error = watch_screen(options, screen);
    endwin();
    delscreen(terminal);
    return error < 0 ? failed(error) : COMMAND_OK;
}

int cmd_top(int argc, char **argv)
{
    static const struct argp parser = {
        .options = table,
        .parser = parse_option,
        .doc =
            "Watches all streams and who writes (w), reads (r) and observes (o) them: frames and "
            "megabytes a second, slots held, how many frames a reader is behind (lag), what it "
            "lost since it came and why (skipped, overwritten, dropped), latency of the last "
            "round.\vKeys: q quits, arrows and page keys scroll. A reader's latency is from "
            "publication to delivery, a writer's from capture to publication.",
    };
    struct options options = { .delay_ns = FR_S(1) };
    struct screen screen = { .scroll = 0 };
    command_parse(&parser, argc, argv, &options);
    if (!options.is_batch && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
        command_error("top needs a terminal: use top -b for text, or top --json");
        return COMMAND_USAGE;
    }
    catch_signals();
    int status = options.is_batch ? run_batch(&options, &screen) : run_screen(&options, &screen);
    top_table_free(&screen.table);
    watch_free(&screen.watch);
    return status;
}
