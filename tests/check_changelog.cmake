# Fails if CHANGELOG.md has no entry for the version that framering.h states.
#   cmake -D VERSION=0.1.0 -D CHANGELOG=CHANGELOG.md -P check_changelog.cmake
cmake_minimum_required(VERSION 3.25)

string(REPLACE "." "\\." pattern ${VERSION})
file(STRINGS ${CHANGELOG} entries REGEX "^## \\[?${pattern}(\\]| |$)")
if(NOT entries)
    message(FATAL_ERROR "${CHANGELOG}: no entry '## ${VERSION}', the version in framering.h")
endif()
