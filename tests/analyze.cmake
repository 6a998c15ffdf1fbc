# Included by analyze.sh after project(): the library is analyzed with what analyze.h tells of it. In
# error.c the function itself is defined.
set(ANALYZE_MODEL ${CMAKE_CURRENT_LIST_DIR}/analyze.h)
function(analyze)
    get_target_property(sources framering SOURCES)
    list(REMOVE_ITEM sources src/error.c)
    list(TRANSFORM sources PREPEND ${PROJECT_SOURCE_DIR}/lib/)
    set_source_files_properties(${sources} TARGET_DIRECTORY framering PROPERTIES
        COMPILE_OPTIONS "-include;${ANALYZE_MODEL}")
endfunction()
cmake_language(DEFER CALL analyze)
