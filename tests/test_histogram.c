/* SPDX-License-Identifier: MIT */

/*
 * The viewer's percentiles against a sorted list of the same values.
 */

#include <stdlib.h>

#include "../demo-viewer/histogram.h"
#include "../demo-viewer/rate.h"
#include "support.h"

static struct histogram histogram;

static void assert_near(int64_t is, int64_t should)
{
    double off = (double)(is > should ? is - should : should - is);
    ck_assert_msg(off <= 0.008 * (double)should + 0.5, "%lld is not near %lld", (long long)is,
                  (long long)should);
}

START_TEST(nothing_counted_is_zero)
{
    histogram_reset(&histogram);
    struct latency latency = histogram_latency(&histogram);
    ck_assert_int_eq(latency.p50_ns, 0);
    ck_assert_int_eq(latency.p99_ns, 0);
    ck_assert_int_eq(latency.max_ns, 0);
}
END_TEST

START_TEST(one_value_is_every_percentile)
{
    static const int64_t values[] = { 0, 1, 63, 64, 65, 127, 128, 1000, 123456789, INT64_MAX };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        histogram_reset(&histogram);
        histogram_add(&histogram, values[i]);
        assert_near(histogram_percentile(&histogram, 0), values[i]);
        assert_near(histogram_percentile(&histogram, 0.5), values[i]);
        assert_near(histogram_percentile(&histogram, 1), values[i]);
        ck_assert_int_eq(histogram.max_ns, values[i]);
    }
}
END_TEST

START_TEST(negative_time_counts_as_zero)
{
    histogram_reset(&histogram);
    histogram_add(&histogram, -5);
    ck_assert_uint_eq(histogram.count, 1);
    ck_assert_int_eq(histogram_percentile(&histogram, 1), 0);
}
END_TEST

static int compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

START_TEST(percentiles_are_within_a_percent)
{
    enum { COUNT = 20000 };
    static int64_t values[COUNT];
    uint64_t state = 88172645463325252u;
    histogram_reset(&histogram);
    for (size_t i = 0; i < COUNT; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        /* From microseconds to minutes. */
        values[i] = (int64_t)(state >> 32) << (state & 7);
        histogram_add(&histogram, values[i]);
    }
    qsort(values, COUNT, sizeof *values, compare);
    assert_near(histogram_percentile(&histogram, 0.01), values[COUNT / 100 - 1]);
    assert_near(histogram_percentile(&histogram, 0.50), values[COUNT / 2 - 1]);
    assert_near(histogram_percentile(&histogram, 0.99), values[COUNT / 100 * 99 - 1]);
    ck_assert_int_eq(histogram.max_ns, values[COUNT - 1]);
}
END_TEST

START_TEST(steady_rate_is_read_off_and_falls_to_zero)
{
    struct rate rate = { 0 };
    int64_t now_ns = 1000000000;
    ck_assert_double_eq(rate_per_second(&rate, now_ns), 0);
    for (int i = 0; i < 600; i++, now_ns += 16666667)
        rate_add(&rate, now_ns);
    ck_assert_double_eq_tol(rate_per_second(&rate, now_ns), 60, 0.1);
    ck_assert_double_lt(rate_per_second(&rate, now_ns + INT64_C(100000000000)), 0.7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("histogram");
    TCase *all = tcase_create("histogram");
    tcase_add_test(all, nothing_counted_is_zero);
    tcase_add_test(all, one_value_is_every_percentile);
    tcase_add_test(all, negative_time_counts_as_zero);
    tcase_add_test(all, percentiles_are_within_a_percent);
    tcase_add_test(all, steady_rate_is_read_off_and_falls_to_zero);
    suite_add_tcase(suite, all);
    return fr_test_main(suite);
}
