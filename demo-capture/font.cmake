# SPDX-License-Identifier: MIT
#
# framering_font(TARGET): gives a target the header font.h with the glyphs of assets/font-8x16.bin,
# as `static const unsigned char font_8x16[95][16]` (ASCII 32 to 126, a byte a row, left bit first).
# The bytes are turned into C when CMake runs, so that a build needs neither xxd nor the font's
# package. Both demos include this file.

set(FRAMERING_FONT_FILE ${CMAKE_CURRENT_LIST_DIR}/../assets/font-8x16.bin)

function(framering_font target)
    if(NOT EXISTS ${FRAMERING_FONT_FILE})
        message(FATAL_ERROR "${FRAMERING_FONT_FILE} is not there; the demos need the folder assets "
                            "beside their own")
    endif()
    file(READ ${FRAMERING_FONT_FILE} hex HEX)
    string(LENGTH "${hex}" digits)
    if(NOT digits EQUAL 3040)
        message(FATAL_ERROR "${FRAMERING_FONT_FILE} should have 1520 bytes (95 glyphs of 16); "
                            "make it again with assets/make-font.sh")
    endif()
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1, " bytes "${hex}")
    string(REPEAT "0x[0-9a-f][0-9a-f], " 16 glyph)
    string(REGEX REPLACE "(${glyph})" "    { \\1},\n" rows "${bytes}")
    set(header ${CMAKE_CURRENT_BINARY_DIR}/font/font.h)
    file(CONFIGURE OUTPUT ${header} @ONLY CONTENT
"/* Made by demo-capture/font.cmake from assets/font-8x16.bin. */
#ifndef FONT_H
#define FONT_H

static const unsigned char font_8x16[95][16] = {
@rows@};

#endif
")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${FRAMERING_FONT_FILE})
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/font)
endfunction()
