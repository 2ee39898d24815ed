#!/bin/sh
# A person's hand between spotting and mixing: the first cue is locked, and all music is 3 dB softer.
# usage: lock_a_cue.sh VIDEO OUT      (needs jq)
set -eu
video=$1
out=$2
soundtrack scenes "$video" |
    soundtrack spot - |
    jq '.cues[0].locked = true | .cues[].gain_db -= 3' |
    soundtrack render "$video" - -o "$out"
