#!/bin/sh
# Score a film with the three filters; the result is the same, byte for byte, as `soundtrack score VIDEO -o OUT`.
# usage: pipeline.sh VIDEO OUT        (SOUNDTRACK_INDEX names the library index, if it is not your own)
set -eu
video=$1
out=$2
soundtrack scenes "$video" | soundtrack spot - | soundtrack render "$video" - -o "$out"
