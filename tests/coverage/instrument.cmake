# Included by coverage.sh after project(): only the library that the tests see is instrumented, with
# COVERAGE_FLAGS, and processes that end without exit() still write what they counted.
set(COVERAGE_AT_DEATH ${CMAKE_CURRENT_LIST_DIR}/at_death.c)
function(instrument)
    target_compile_options(framering_testing PRIVATE ${COVERAGE_FLAGS})
    target_link_options(framering_testing PUBLIC ${COVERAGE_FLAGS})
    target_sources(framering_testing PRIVATE ${COVERAGE_AT_DEATH})
endfunction()
cmake_language(DEFER CALL instrument)
