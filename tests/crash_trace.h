/* SPDX-License-Identifier: MIT */
#ifndef CRASH_TRACE_H
#define CRASH_TRACE_H

/*
 * Stopping a process exactly before the k-th instruction of what it does. Single-stepping finds
 * that instruction for certain, but costs a change of process for each one before it. So the work
 * is stepped through once and written down, and later victims run to a breakpoint.
 *
 * Victims must be forked from one process, so that their addresses are the same, and traced
 * (PTRACE_TRACEME) and stopped before the work begins. Instructions are counted from there.
 *
 * Breakpoints are known for x86-64; elsewhere trace_run always says TRACE_LOST.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TRACE_MAX 65536

/* One instruction: where it is, how far down the stack, and how to come to it. */
struct trace_step {
    uint64_t pc;
    uint64_t depth; /* from the stack pointer where the work begins */
    int32_t before; /* how often pc occurs before in the trace */
    int32_t anchor; /* the step to break at; the rest of the way is single-stepped */
};

struct trace {
    long count;
    struct trace_step *step; /* in memory that forks do not copy */
};

enum trace_end {
    TRACE_THERE, /* stopped before the instruction, its code and registers untouched */
    TRACE_OVER,  /* ended by itself before */
    TRACE_LOST,  /* stopped somewhere else, or it cannot be told where */
    TRACE_DIED,  /* a signal, or a bad exit status: left in *status */
};

/* False: there is no memory. */
bool trace_make(struct trace *trace);

/* Steps a victim through all of its work and writes it down: TRACE_OVER, or what went wrong. */
enum trace_end trace_record(struct trace *trace, pid_t victim, int *status);

/* By a breakpoint, before the k-th instruction of the trace. */
enum trace_end trace_run(const struct trace *trace, pid_t victim, long k, int *status);

/* By single steps, before the k-th instruction. */
enum trace_end trace_single_steps(pid_t victim, long k, int *status);

#endif
