/* SPDX-License-Identifier: MIT */
/*
 * The machine that was measured on, as far as it tells: without it no figure means anything. The
 * noise is how much of one CPU's time a busy loop did not get, and the longest gap in it.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"
#include "clock.h"

#define NOISE_NS (NS_PER_S / 5)
#define GAP_NS 5000

/* The first line of a file without its newline; "unknown" if there is none. */
static const char *first_line(const char *path)
{
    static char line[256];
    FILE *file = fopen(path, "re");

    snprintf(line, sizeof line, "unknown");
    if (file == NULL)
        return line;
    if (fgets(line, sizeof line, file) != NULL)
        line[strcspn(line, "\n")] = '\0';
    fclose(file);
    return line;
}

/* What stands behind "key   : " in a file of such lines. */
static const char *value_of(const char *path, const char *key)
{
    static char line[256];
    FILE *file = fopen(path, "re");
    const char *found = "unknown";

    if (file == NULL)
        return found;
    while (fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');

        if (strncmp(line, key, strlen(key)) != 0 || colon == NULL)
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        found = colon + 1 + strspn(colon + 1, " \t");
        break;
    }
    fclose(file);
    return found;
}

static json_t *noise_json(void)
{
    const int64_t begin_ns = clock_now_ns();
    int64_t last_ns = begin_ns;
    int64_t stolen_ns = 0;
    int64_t longest_ns = 0;

    while (last_ns - begin_ns < NOISE_NS) {
        const int64_t now_ns = clock_now_ns();
        const int64_t gap_ns = now_ns - last_ns;

        last_ns = now_ns;
        if (gap_ns < GAP_NS)
            continue;
        stolen_ns += gap_ns;
        longest_ns = gap_ns > longest_ns ? gap_ns : longest_ns;
    }
    return json_pack("{s:f, s:f}", "stolen_percent", 100.0 * (double)stolen_ns / (double)NOISE_NS,
                     "longest_gap_us", (double)longest_ns / 1e3);
}

static double load_average(void)
{
    double load = 0;

    return getloadavg(&load, 1) == 1 ? load : 0;
}

json_t *machine_json(void)
{
    struct utsname system;
    const double page = (double)sysconf(_SC_PAGESIZE);
    json_t *machine = json_object();

    uname(&system);
    json_object_set_new(machine, "cpu", json_string(value_of("/proc/cpuinfo", "model name")));
    json_object_set_new(machine, "cpus", json_integer(cpu_count()));
    json_object_set_new(machine, "l3_mb",
                        json_real((double)sysconf(_SC_LEVEL3_CACHE_SIZE) / SIZE_MB));
    json_object_set_new(machine, "kernel",
                        json_sprintf("%s %s %s", system.sysname, system.release, system.machine));
    json_object_set_new(machine, "memory_gb",
                        json_real((double)sysconf(_SC_PHYS_PAGES) * page / 1e9));
    json_object_set_new(machine, "governor",
                        json_string(
                            first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")));
    json_object_set_new(machine, "clocksource",
                        json_string(first_line("/sys/devices/system/clocksource/clocksource0/"
                                               "current_clocksource")));
    json_object_set_new(machine, "shm_huge_pages",
                        json_string(first_line("/sys/kernel/mm/transparent_hugepage/"
                                               "shmem_enabled")));
    json_object_set_new(machine, "huge_pages",
                        json_string(first_line("/sys/kernel/mm/transparent_hugepage/enabled")));
    json_object_set_new(machine, "load", json_real(load_average()));
    json_object_set_new(machine, "noise", noise_json());
    return machine;
}

static const char *text(const json_t *machine, const char *key)
{
    return json_string_value(json_object_get(machine, key));
}

void machine_print(const json_t *machine)
{
    const json_t *noise = json_object_get(machine, "noise");

    printf("%s, %lld CPUs, L3 %.0f MB, %.1f GB, %s\n", text(machine, "cpu"),
           (long long)json_integer_value(json_object_get(machine, "cpus")),
           json_real_value(json_object_get(machine, "l3_mb")),
           json_real_value(json_object_get(machine, "memory_gb")), text(machine, "kernel"));
    printf("governor %s, clock %s, huge pages %s, for shared memory %s\n",
           text(machine, "governor"), text(machine, "clocksource"), text(machine, "huge_pages"),
           text(machine, "shm_huge_pages"));
    printf("load %.2f; a busy loop lost %.1f %% of its time, %.0f us at a time\n\n",
           json_real_value(json_object_get(machine, "load")),
           json_real_value(json_object_get(noise, "stolen_percent")),
           json_real_value(json_object_get(noise, "longest_gap_us")));
}
