/* SPDX-License-Identifier: MIT */
/* What the parts of the benchmark have in common: see bench.h. */
#define _GNU_SOURCE
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clock.h"

#define WARM_SHARE 0.2 /* of the time that a measurement is given */

struct schedule schedule_new(const struct bench *bench, uint32_t measurements, double least_s,
                             double most_s)
{
    return (struct schedule){
        .end_ns = clock_now_ns() + clock_ns(bench->budget_s),
        .left = measurements,
        .least_s = least_s,
        .most_s = most_s,
    };
}

bool schedule_allows(const struct schedule *schedule, uint32_t measurements)
{
    const double left_s = clock_seconds(schedule->end_ns - clock_now_ns());
    const double each_s = schedule->overhead_s + schedule->least_s;

    if (interrupted())
        return false;
    return schedule->done == 0 || left_s > measurements * each_s;
}

double schedule_give(struct schedule *schedule)
{
    schedule->begun_ns = clock_now_ns();
    const double left_s = clock_seconds(schedule->end_ns - schedule->begun_ns);
    const uint32_t left = schedule->left > 0 ? schedule->left : 1;
    const double share_s = left_s / left - schedule->overhead_s;

    schedule->given_s = fmin(fmax(share_s, schedule->least_s), schedule->most_s);
    return schedule->given_s;
}

void schedule_took(struct schedule *schedule)
{
    const double took_s = clock_seconds(clock_now_ns() - schedule->begun_ns);
    const double overhead_s = fmax(took_s - schedule->given_s, 0);

    if (schedule->left > 0)
        schedule->left--;
    schedule->done++;
    schedule->overhead_s +=
        (overhead_s - schedule->overhead_s) / (schedule->done < 20 ? schedule->done : 20);
}

bool bench_traffic(const struct bench *bench, struct schedule *schedule, struct traffic *traffic,
                   struct cell *cell, struct traffic_result *result)
{
    const double given_s = schedule_give(schedule);

    traffic->is_pinned = bench->is_pinned;
    traffic->warm_s = WARM_SHARE * given_s;
    traffic->run_s = given_s - traffic->warm_s;
    traffic->most_s = bench_most_s(bench);
    cell->is_verified = true;
    const int error = traffic_run(traffic, result);
    schedule_took(schedule);
    if (error < 0 && !interrupted())
        snprintf(cell->error, sizeof cell->error, "%s", result->error);
    cell->wrongs.torn += result->torn;
    cell->wrongs.lost += result->lost;
    cell->wrongs.disordered += result->disordered;
    return error == 0;
}

const char *size_name(size_t size)
{
    static char other[32];

    switch (size) {
    case SIZE_KB:
        return "1 KB";
    case SIZE_MB:
        return "1 MB";
    case SIZE_1080P:
        return "1080p";
    case SIZE_4K:
        return "4K";
    default:
        snprintf(other, sizeof other, "%zu KB", size / 1024);
        return other;
    }
}

const struct picture *bench_picture(const struct bench *bench, bool is_large)
{
    static const struct picture pictures[2][2] = {
        { { "1080p", 1920, 1080 }, { "4K", 3840, 2160 } },
        { { "180p", 320, 180 }, { "360p", 640, 360 } },
    };

    return &pictures[bench->mode == BENCH_SMOKE][is_large];
}

uint32_t picture_bytes(const struct picture *picture)
{
    return 4 * picture->width * picture->height;
}

double bench_most_s(const struct bench *bench)
{
    return bench->mode == BENCH_SMOKE ? 0.1 : 3;
}

bool shm_has_room(uint64_t bytes)
{
    struct statvfs fs;

    if (statvfs("/dev/shm", &fs) < 0)
        return true; /* no such file system: then creating will say what is wrong */
    return (uint64_t)fs.f_bavail * fs.f_frsize > bytes + bytes / 16;
}

json_t *part_json(const struct bench *bench, int64_t begun_ns)
{
    return json_pack("{s:I, s:b, s:f, s:b}", "rounds", (json_int_t)bench->rounds, "pinned",
                     bench->is_pinned, "seconds", clock_seconds(clock_now_ns() - begun_ns),
                     "complete", !interrupted());
}

void print_wrongs(const struct cells *cells)
{
    const struct wrongs sum = cells_wrongs(cells);

    for (uint32_t i = 0; i < cells->count; i++) {
        const struct cell *cell = &cells->cell[i];

        if (cell->error[0] == '\0')
            continue;
        char *labels = json_dumps(cell->labels, JSON_COMPACT);
        printf("  no result: %s: %s\n", labels, cell->error);
        free(labels);
    }
    printf("  verified: %llu torn, %llu lost, %llu out of order\n\n", (unsigned long long)sum.torn,
           (unsigned long long)sum.lost, (unsigned long long)sum.disordered);
}

/* Names of ours are ...bench-PID-NUMBER...; those whose process is gone were left behind. */
static bool is_left_behind(const char *file)
{
    const char *name = strstr(file, "bench-");

    if (name == NULL)
        return false;
    char *end;
    const long pid = strtol(name + strlen("bench-"), &end, 10);
    return pid > 0 && *end == '-' && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

void sweep_names(void)
{
    DIR *folder = opendir("/dev/shm");

    if (folder == NULL)
        return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (is_left_behind(entry->d_name))
            unlinkat(dirfd(folder), entry->d_name, 0); /* fails for what is not ours */
    }
    closedir(folder);
}
