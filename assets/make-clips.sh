#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes clip.y4m and card.y4m from ffmpeg's own generators: nobody else's pictures are in them.
set -euo pipefail
cd "$(dirname "$0")"
ffmpeg -v error -y -f lavfi -i testsrc2=size=160x90:rate=25:duration=1 -pix_fmt yuv420p clip.y4m
ffmpeg -v error -y -f lavfi -i smptehdbars=size=320x180:rate=1:duration=1 -pix_fmt yuv444p card.y4m
