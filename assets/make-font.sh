#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Makes font-8x16.bin from Debian's package fonts-spleen: the glyphs of ASCII 32 to 126, sixteen
# bytes each, one byte a row, most significant bit left. Run again only to change the font.
#
# The source is a PSF version 1 console font: 4 bytes of header (magic 36 04, mode, height), then
# the glyphs. Its first glyphs stand in the order of their codes, so no table needs to be read.

set -eu

font=${1:-/usr/share/consolefonts/spleen-8x16.psfu.gz}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=$here/font-8x16.bin

if [ ! -r "$font" ]; then
    echo "make-font.sh: $font is not there; install it with: apt-get install fonts-spleen" >&2
    exit 1
fi
header=$(gzip -dc "$font" | od -A n -t x1 -N 4 | tr -d ' \n')
case $header in
3604??10) ;;
*)
    echo "make-font.sh: $font is not a PSF font of version 1 and height 16" >&2
    exit 1
    ;;
esac
gzip -dc "$font" | tail -c +$((4 + 32 * 16 + 1)) | head -c $((95 * 16)) > "$out"
echo "$out: $(wc -c < "$out") bytes"
