"""The numbers of QEMU's own bitmap test, and of the series' areas, as lines that a transcript has to contain.

A row is what the C test does and expects, step by step; a line of a golden fits when it is the row's line, perhaps with
more behind it (what the iterator gives, for example). Steps are separated by semicolons. Rows that are no lists of
numbers (HB-04, HB-36, HB-48) are computed by the test.

Source: tests/unit/test-hbitmap.c of QEMU 10.0; rows HB-30 to HB-34, HB-39 and HB-40 from the file of 2018; NA-1 to NA-9
derived from the series' algorithm.
"""

from __future__ import annotations

ROWS: dict[str, str] = {
    "HB-01": "bitmap: 0 items, granularity 0; count 0",
    "HB-02": (
        "bitmap: 262167 items, granularity 0; count 0, iterates nothing; set 0+1 -> count 1; set 262166+1 -> "
        "count 2; iterate from 0 -> 0 262166 end"
    ),
    "HB-03": "bitmap: 64 items, granularity 0; count 0; iterate from 0 -> end",
    "HB-05": (
        "bitmap: 16777216 items, granularity 7; iterate from 0 -> end; set 532616+8; iterate from 0 -> 532608 "
        "end; iterate from 532736 -> end; set 16777208+8; iterate from 0 -> 532608 16777088 end; iterate from "
        "532736 -> 16777088 end"
    ),
    "HB-06": (
        "bitmap: 128 items, granularity 0; set 0+128; iterator from 63; iterator: next -> 63; reset all; "
        "iterator: next -> end"
    ),
    "HB-07": "bitmap: 262144 items, granularity 0; set 0+262144 -> count 262144; get 0 to 262143 -> dirty 0-262143",
    "HB-08": (
        "bitmap: 8192 items, granularity 0; set 10+1 -> count 1; get 0 to 8191 -> dirty 10; set 63+1 -> count 2; "
        "get 0 to 8191 -> dirty 10 63; set 64+1 -> count 3; get 0 to 8191 -> dirty 10 63-64; set 4095+1 -> count "
        "4; get 0 to 8191 -> dirty 10 63-64 4095; set 4096+1 -> count 5; get 0 to 8191 -> dirty 10 63-64 "
        "4095-4096"
    ),
    "HB-09": "bitmap: 262144 items, granularity 0; set 0+262144 -> count 262144",
    "HB-10": (
        "bitmap: 8192 items, granularity 0; set 10+1 -> count 1; set 63+1 -> count 2; set 64+1 -> count 3; set "
        "4095+1 -> count 4; set 4096+1 -> count 5"
    ),
    "HB-11": (
        "bitmap: 8192 items, granularity 0; set 63+2 -> count 2; set 127+4 -> count 6; set 256+65 -> count 71; "
        "set 511+65 -> count 136; set 4095+2 -> count 138; set 4159+8 -> count 146; set 4352+65 -> count 211; set "
        "4607+65 -> count 276"
    ),
    "HB-12": (
        "bitmap: 524288 items, granularity 0; set 63+66 -> count 66; set 191+66 -> count 132; set 320+129 -> "
        "count 261; set 511+129 -> count 390; set 4095+66 -> count 456; set 4223+66 -> count 522; set 4352+129 -> "
        "count 651; set 4543+129 -> count 780; set 8191+516096 -> count 516876"
    ),
    "HB-13": "bitmap: 192 items, granularity 0; set 0+192 -> count 192; set 64+1 -> count 192",
    "HB-14": (
        "bitmap: 524288 items, granularity 0; set 63+66 -> count 66; set 127+130 -> count 194; set 0+192 -> count "
        "257; set 511+4096 -> count 4353; set 4096+64 -> count 4353; set 4031+514 -> count 4353; set 4096+258049 "
        "-> count 261891; set 262080+192 -> count 262018; set 262143+3 -> count 262018; set 262143+4096 -> count "
        "265985"
    ),
    "HB-15": "bitmap: 262144 items, granularity 0; reset 0+262144 -> count 0",
    "HB-16": (
        "bitmap: 524288 items, granularity 0; set 63+66 -> count 66; reset 127+130 -> count 64; set 0+192 -> "
        "count 192; reset 511+4096 -> count 192; set 4096+64 -> count 256; reset 4031+514 -> count 192; set "
        "4096+258049 -> count 258241; reset 262080+192 -> count 258176; set 262143+3 -> count 258179; reset "
        "262143+4096 -> count 258176; set 0+524288 -> count 524288; reset 0+64 -> count 524224; reset 0+4096 -> "
        "count 520192; reset 262144+262144 -> count 258048; set 131072+262144 -> count 389120"
    ),
    "HB-17": (
        "bitmap: 524288 items, granularity 0; set 63+66 -> count 66; reset all -> count 0; set 0+192 -> count "
        "192; reset all -> count 0; set 4096+64 -> count 64; reset all -> count 0; set 4096+258049 -> count "
        "258049; reset all -> count 0; set 262143+3 -> count 3; reset all -> count 0; set 0+524288 -> count "
        "524288; reset all -> count 0; set 131072+262144 -> count 262144; reset all -> count 0"
    ),
    "HB-18": (
        "bitmap: 64 items, granularity 1; set 0+1 -> count 2; iterate from 0 -> 0 end; set 2+1 -> count 4; "
        "iterate from 0 -> 0-2 end; set 0+3 -> count 4; reset 0+2 -> count 2"
    ),
    "HB-18 in 2018": "set 0+3 -> count 4; reset outward 0+1 -> count 2",
    "HB-19": (
        "bitmap: 4096 items, granularity 0; set 0+1; set 4095+1 -> count 2; 4096 granules, then the end; truncate "
        "to 4096 -> size 4096, count 2; 4096 granules, then the end; get 0 -> dirty; get 4095 -> dirty; iterate "
        "from 0 -> 0 4095 end"
    ),
    "HB-20": (
        "bitmap: 4095 items, granularity 1; set 0+1; set 4094+1 -> count 4; 2048 granules, then the end; truncate "
        "to 4096 -> size 4096, count 4; 2048 granules, then the end; get 0 -> dirty; get 4094 -> dirty"
    ),
    "HB-21": (
        "bitmap: 4096 items, granularity 1; set 0+1; set 4094+1; set 4095+1; set 4095+1 -> count 4; 2048 "
        "granules, then the end; truncate to 4095 -> size 4095, count 4; 2048 granules, then the end; get 0 -> "
        "dirty; get 4094 -> dirty"
    ),
    "HB-22": (
        "bitmap: 4094 items, granularity 1; set 0+1; set 4093+1 -> count 4; 2047 granules, then the end; truncate "
        "to 4095 -> size 4095, count 4; 2048 granules, then the end; get 0 -> dirty; get 4093 -> dirty"
    ),
    "HB-23": (
        "bitmap: 4095 items, granularity 1; set 0+1; set 4093+1; set 4094+1; set 4094+1 -> count 6; 2048 "
        "granules, then the end; truncate to 4094 -> size 4094, count 4; 2047 granules, then the end; get 0 -> "
        "dirty; get 4093 -> dirty"
    ),
    "HB-24": (
        "bitmap: 4097 items, granularity 0; set 0+1; set 4096+1 -> count 2; 4097 granules, then the end; truncate "
        "to 4101 -> size 4101, count 2; 4101 granules, then the end; get 0 -> dirty; get 4096 -> dirty; iterate "
        "from 0 -> 0 4096 end"
    ),
    "HB-25": (
        "bitmap: 4096 items, granularity 0; set 0+1; set 4091+1; set 4092+1; set 4095+1 -> count 4; 4096 "
        "granules, then the end; truncate to 4092 -> size 4092, count 2; 4092 granules, then the end; get 0 -> "
        "dirty; get 4091 -> dirty; iterate from 0 -> 0 4091 end"
    ),
    "HB-26": (
        "bitmap: 4095 items, granularity 0; set 0+1; set 4094+1 -> count 2; 4095 granules, then the end; truncate "
        "to 4099 -> size 4099, count 2; 4099 granules, then the end; get 0 -> dirty; get 4094 -> dirty; iterate "
        "from 0 -> 0 4094 end"
    ),
    "HB-27": (
        "bitmap: 4097 items, granularity 0; set 0+1; set 4092+1; set 4093+1; set 4096+1 -> count 4; 4097 "
        "granules, then the end; truncate to 4093 -> size 4093, count 2; 4093 granules, then the end; get 0 -> "
        "dirty; get 4092 -> dirty; iterate from 0 -> 0 4092 end"
    ),
    "HB-28": (
        "bitmap: 4096 items, granularity 0; set 0+1; set 4095+1 -> count 2; 4096 granules, then the end; truncate "
        "to 4160 -> size 4160, count 2; 4160 granules, then the end; get 0 -> dirty; get 4095 -> dirty; iterate "
        "from 0 -> 0 4095 end"
    ),
    "HB-29": (
        "bitmap: 4096 items, granularity 0; set 0+1; set 4031+1; set 4032+1; set 4095+1 -> count 4; 4096 "
        "granules, then the end; truncate to 4032 -> size 4032, count 2; 4032 granules, then the end; get 0 -> "
        "dirty; get 4031 -> dirty; iterate from 0 -> 0 4031 end"
    ),
    "HB-30": "bitmap: 0 items, granularity 0; marks none",
    "HB-31": (
        "bitmap: 524288 items, granularity 0; 0+1 -> marks 0+1; 0+64 -> marks 0+64; 0+4096 -> marks 0+4096; 1+1 "
        "-> marks 1+1; 1+64 -> marks 1+64; 1+4096 -> marks 1+4096; 63+1 -> marks 63+1; 63+64 -> marks 63+64; "
        "63+4096 -> marks 63+4096; 64+1 -> marks 64+1; 64+64 -> marks 64+64; 64+4096 -> marks 64+4096; 65+1 -> "
        "marks 65+1; 65+64 -> marks 65+64; 65+4096 -> marks 65+4096; 4095+1 -> marks 4095+1; 4095+64 -> marks "
        "4095+64; 4095+4096 -> marks 4095+4096; 4096+1 -> marks 4096+1; 4096+64 -> marks 4096+64; 4096+4096 -> "
        "marks 4096+4096; 4097+1 -> marks 4097+1; 4097+64 -> marks 4097+64; 4097+4096 -> marks 4097+4096; "
        "262143+1 -> marks 262143+1; 262143+64 -> marks 262143+64; 262143+4096 -> marks 262143+4096; 262144+1 -> "
        "marks 262144+1; 262144+64 -> marks 262144+64; 262144+4096 -> marks 262144+4096; 262145+1 -> marks "
        "262145+1; 262145+64 -> marks 262145+64; 262145+4096 -> marks 262145+4096"
    ),
    "HB-32": (
        "bitmap: 800 items, granularity 0; 0+1 -> marks 0+8; 0+8 -> marks 0+8; 7+1 -> marks 0+8; 7+2 -> marks "
        "0+16; 7+9 -> marks 0+16; 7+10 -> marks 0+24; 55+10 -> marks 48+24; 799+1 -> marks 792+8; 0+800 -> marks "
        "0+800"
    ),
    "HB-33": (
        "bitmap: 6400 items, granularity 0; 0+1 -> marks 0+64; 0+64 -> marks 0+64; 63+1 -> marks 0+64; 63+2 -> "
        "marks 0+128; 63+65 -> marks 0+128; 63+66 -> marks 0+192; 447+66 -> marks 384+192; 6399+1 -> marks "
        "6336+64; 0+6400 -> marks 0+6400"
    ),
    "HB-34": (
        "bitmap: 409600 items, granularity 0; 0+1 -> marks 0+4096; 0+4096 -> marks 0+4096; 4095+1 -> marks "
        "0+4096; 4095+2 -> marks 0+8192; 4095+4097 -> marks 0+8192; 4095+4098 -> marks 0+12288; 28671+4098 -> "
        "marks 24576+12288; 409599+1 -> marks 405504+4096; 0+409600 -> marks 0+409600"
    ),
    "HB-35": "bitmap: 524288 items, granularity 3; alignment 512",
    "HB-36": "bitmap: 262144 items, granularity 0; 32768 bytes",
    "HB-37": (
        "bitmap: 262144 items, granularity 0; set 0+1; set 1+1; set 63+1; set 64+1; set 4095+1; set 4096+1; set "
        "4097+1; set 262143+1; part 0 -> bits 0-1 63-64 4095; part 1 -> bits 0-1; part 63 -> bits 4095; nothing "
        "in the other 61 parts"
    ),
    "HB-38": (
        "set 0+64; set 64+64; set 4096+64; set 262080+64; deserialize zeroes 0+64; from 0 -> zero 0, dirty 64; "
        "deserialize zeroes 64+64; from 0 -> zero 0, dirty 4096; deserialize zeroes 4096+64; from 0 -> zero 0, "
        "dirty 262080; deserialize zeroes 262080+64; from 0 -> zero 0, dirty none"
    ),
    "HB-39": (
        "bitmap: 262144 items, granularity 0; from 0 -> zero 0; from 262143 -> zero 262143; set 4096+1; from 0 -> "
        "zero 0; from 4095 -> zero 4095; from 4096 -> zero 4097; from 4097 -> zero 4097; set 4101+64; from 0 -> "
        "zero 0; from 4097 -> zero 4097; from 4098 -> zero 4098; from 4101 -> zero 4165; from 4159 -> zero 4165; "
        "from 4160 -> zero 4165; set 8192+253952; from 8128 -> zero 8128; from 8190 -> zero 8190; from 8191 -> "
        "zero 8191; from 8192 -> zero none; from 262143 -> zero none; set 0+262144; from 0 -> zero none"
    ),
    "HB-40": (
        "bitmap: 262144 items, granularity 4; from 0 -> zero 0; from 262143 -> zero 262143; set 4096+1; from 0 -> "
        "zero 0; from 4095 -> zero 4095; from 4096 -> zero 4112; from 4097 -> zero 4112; set 4101+64; from 0 -> "
        "zero 0; from 4097 -> zero 4176; from 4098 -> zero 4176; from 4101 -> zero 4176; from 4159 -> zero 4176; "
        "from 4160 -> zero 4176; set 8192+253952; from 8128 -> zero 8128; from 8190 -> zero 8190; from 8191 -> "
        "zero 8191; from 8192 -> zero none; from 262143 -> zero none; set 0+262144; from 0 -> zero none"
    ),
    "HB-41": (
        "bitmap: 262144 items, granularity 0; from 0 -> zero 0, dirty none; from 262143 -> zero 262143, dirty "
        "none; from 0, 1 item -> zero 0, dirty none; from 262143, 1 item -> zero 262143, dirty none; set 4096+1; "
        "from 0 -> zero 0, dirty 4096; from 4095 -> zero 4095, dirty 4096; from 4096 -> zero 4097, dirty 4096; "
        "from 4097 -> zero 4097, dirty none; from 0, 1 item -> zero 0, dirty none; from 0, 4096 items -> zero 0, "
        "dirty none; from 4095, 1 item -> zero 4095, dirty none; from 4095, 2 items -> zero 4095, dirty 4096; "
        "from 4096, 1 item -> zero none, dirty 4096; from 4097, 1 item -> zero 4097, dirty none; set 4101+64; "
        "from 0 -> zero 0, dirty 4096; from 4032 -> zero 4032, dirty 4096; from 4097 -> zero 4097, dirty 4101; "
        "from 4098 -> zero 4098, dirty 4101; from 4101 -> zero 4165, dirty 4101; from 4159 -> zero 4165, dirty "
        "4159; from 4160 -> zero 4165, dirty 4160; from 4161 -> zero 4165, dirty 4161; from 4094, 64 items -> "
        "zero 4094, dirty 4096; from 4096, 4 items -> zero 4097, dirty 4096; from 4096, 6 items -> zero 4097, "
        "dirty 4096; from 4097, 3 items -> zero 4097, dirty none; from 4100, 64 items -> zero 4100, dirty 4101; "
        "from 4101, 64 items -> zero none, dirty 4101; from 4164, 1 item -> zero none, dirty 4164; from 4165, 1 "
        "item -> zero 4165, dirty none; from 4166, 1 item -> zero 4166, dirty none; set 8192+253952; from 8128 -> "
        "zero 8128, dirty 8192; from 8190 -> zero 8190, dirty 8192; from 8191 -> zero 8191, dirty 8192; from 8192 "
        "-> zero none, dirty 8192; from 8193 -> zero none, dirty 8193; from 8256 -> zero none, dirty 8256; from "
        "262143 -> zero none, dirty 262143; from 8128, 65 items -> zero 8128, dirty 8192; from 8192, 4096 items "
        "-> zero none, dirty 8192; set 0+262144; from 0 -> zero none, dirty 0"
    ),
    "HB-42": (
        "bitmap: 262144 items, granularity 4; from 0 -> zero 0, dirty none; from 262143 -> zero 262143, dirty "
        "none; from 0, 1 item -> zero 0, dirty none; from 262143, 1 item -> zero 262143, dirty none; set 4096+1; "
        "from 0 -> zero 0, dirty 4096; from 4095 -> zero 4095, dirty 4096; from 4096 -> zero 4112, dirty 4096; "
        "from 4097 -> zero 4112, dirty 4097; from 0, 1 item -> zero 0, dirty none; from 0, 4096 items -> zero 0, "
        "dirty none; from 4095, 1 item -> zero 4095, dirty none; from 4095, 2 items -> zero 4095, dirty 4096; "
        "from 4096, 1 item -> zero none, dirty 4096; from 4097, 1 item -> zero none, dirty 4097; set 4101+64; "
        "from 0 -> zero 0, dirty 4096; from 4032 -> zero 4032, dirty 4096; from 4097 -> zero 4176, dirty 4097; "
        "from 4098 -> zero 4176, dirty 4098; from 4101 -> zero 4176, dirty 4101; from 4159 -> zero 4176, dirty "
        "4159; from 4160 -> zero 4176, dirty 4160; from 4161 -> zero 4176, dirty 4161; from 4094, 64 items -> "
        "zero 4094, dirty 4096; from 4096, 4 items -> zero none, dirty 4096; from 4096, 6 items -> zero none, "
        "dirty 4096; from 4097, 3 items -> zero none, dirty 4097; from 4100, 64 items -> zero none, dirty 4100; "
        "from 4101, 64 items -> zero none, dirty 4101; from 4164, 1 item -> zero none, dirty 4164; from 4165, 1 "
        "item -> zero none, dirty 4165; from 4166, 1 item -> zero none, dirty 4166; set 8192+253952; from 8128 -> "
        "zero 8128, dirty 8192; from 8190 -> zero 8190, dirty 8192; from 8191 -> zero 8191, dirty 8192; from 8192 "
        "-> zero none, dirty 8192; from 8193 -> zero none, dirty 8193; from 8256 -> zero none, dirty 8256; from "
        "262143 -> zero none, dirty 262143; from 8128, 65 items -> zero 8128, dirty 8192; from 8192, 4096 items "
        "-> zero none, dirty 8192; set 0+262144; from 0 -> zero none, dirty 0"
    ),
    "HB-43": "bitmap: 64 items, granularity 0; truncate to 128 -> size 128; set 0+64; from 0 -> zero 64, dirty 0",
    "HB-44": (
        "bitmap: 262144 items, granularity 0; area from 0 -> none; area in 0+1 -> none; area in 262143+1 -> none; "
        "area from 0, at most 1 -> none; set 4096+1; area in 0+1 -> none; area in 0+4096 -> none; area from 0 -> "
        "4096+1; area from 4095 -> 4096+1; area in 4095+1 -> none; area in 4095+2 -> 4096+1; area in 4095+3 -> "
        "4096+1; area from 4096 -> 4096+1; area in 4096+1 -> 4096+1; area in 4097+1 -> none; area from 0, at most "
        "1 -> 4096+1; area in 4095+2, at most 1 -> 4096+1; set 4101+64; area from 0 -> 4096+1; area in 4094+8 -> "
        "4096+1; area in 4097+5 -> 4101+1; area in 4097+3 -> none; area in 4100+64 -> 4101+63; area in 4101+64 -> "
        "4101+64; area in 4103+64 -> 4103+62; area in 4160+64 -> 4160+5; area in 4096+0 -> none; area in 4097+0 "
        "-> none; area from 4099, at most 3 -> 4101+3; area in 4099+7, at most 10 -> 4101+5; set 8192+253952; "
        "area from 0 -> 4096+1; area from 4096 -> 4096+1; area from 4097 -> 4101+64; area from 4164 -> 4164+1; "
        "area in 4165+5 -> none; area in 8128+65 -> 8192+1; area in 8192+4096 -> 8192+4096; area from 8193, at "
        "most 5 -> 8193+5; area in 8193+10, at most 5 -> 8193+5; area in 8193+2, at most 5 -> 8193+2; set "
        "0+262144; area from 0 -> 0+262144"
    ),
    "HB-45": (
        "bitmap: 262144 items, granularity 1; area from 0 -> none; area in 0+1 -> none; area in 262143+1 -> none; "
        "area from 0, at most 1 -> none; set 4096+1; area in 0+1 -> none; area in 0+4096 -> none; area from 0 -> "
        "4096+2; area from 4095 -> 4096+2; area in 4095+1 -> none; area in 4095+2 -> 4096+1; area in 4095+3 -> "
        "4096+2; area from 4096 -> 4096+2; area in 4096+1 -> 4096+1; area in 4097+1 -> 4097+1; area from 0, at "
        "most 1 -> 4096+1; area in 4095+2, at most 1 -> 4096+1; set 4101+64; area from 0 -> 4096+2; area in "
        "4094+8 -> 4096+2; area in 4097+5 -> 4097+1; area in 4097+3 -> 4097+1; area in 4100+64 -> 4100+64; area "
        "in 4101+64 -> 4101+64; area in 4103+64 -> 4103+63; area in 4160+64 -> 4160+6; area in 4096+0 -> none; "
        "area in 4097+0 -> none; area from 4099, at most 3 -> 4100+3; area in 4099+7, at most 10 -> 4100+6; set "
        "8192+253952; area from 0 -> 4096+2; area from 4096 -> 4096+2; area from 4097 -> 4097+1; area from 4164 "
        "-> 4164+2; area in 4165+5 -> 4165+1; area in 8128+65 -> 8192+1; area in 8192+4096 -> 8192+4096; area "
        "from 8193, at most 5 -> 8193+5; area in 8193+10, at most 5 -> 8193+5; area in 8193+2, at most 5 -> "
        "8193+2; set 0+262144; area from 0 -> 0+262144"
    ),
    "HB-46": (
        "bitmap: 262144 items, granularity 4; area from 0 -> none; area in 0+1 -> none; area in 262143+1 -> none; "
        "area from 0, at most 1 -> none; set 4096+1; area in 0+1 -> none; area in 0+4096 -> none; area from 0 -> "
        "4096+16; area from 4095 -> 4096+16; area in 4095+1 -> none; area in 4095+2 -> 4096+1; area in 4095+3 -> "
        "4096+2; area from 4096 -> 4096+16; area in 4096+1 -> 4096+1; area in 4097+1 -> 4097+1; area from 0, at "
        "most 1 -> 4096+1; area in 4095+2, at most 1 -> 4096+1; set 4101+64; area from 0 -> 4096+80; area in "
        "4094+8 -> 4096+6; area in 4097+5 -> 4097+5; area in 4097+3 -> 4097+3; area in 4100+64 -> 4100+64; area "
        "in 4101+64 -> 4101+64; area in 4103+64 -> 4103+64; area in 4160+64 -> 4160+16; area in 4096+0 -> none; "
        "area in 4097+0 -> none; area from 4099, at most 3 -> 4099+3; area in 4099+7, at most 10 -> 4099+7; set "
        "8192+253952; area from 0 -> 4096+80; area from 4096 -> 4096+80; area from 4097 -> 4097+79; area from "
        "4164 -> 4164+12; area in 4165+5 -> 4165+5; area in 8128+65 -> 8192+1; area in 8192+4096 -> 8192+4096; "
        "area from 8193, at most 5 -> 8193+5; area in 8193+10, at most 5 -> 8193+5; area in 8193+2, at most 5 -> "
        "8193+2; set 0+262144; area from 0 -> 0+262144"
    ),
    "HB-47": "bitmap: 64 items, granularity 0; truncate to 128 -> size 128; set 65+1; area from 0 -> 65+1",
    "NA-1": (
        "bitmap: 1048576 items, granularity 16; set 0+65536; set 131072+131072; areas from 0 to 1048576 -> "
        "0+65536 131072+131072"
    ),
    "NA-2": "bitmap: 1000000 items, granularity 16; set 983040+16960; areas from 0 to 1000000 -> 983040+16960",
    "NA-3": "bitmap: 1000000 items, granularity 16; set 0+1000000; areas from 0 to 1000000 -> 0+1000000",
    "NA-4": "bitmap: 1048576 items, granularity 16; set 0+65536; areas from 0 to 32768 -> none",
    "NA-5": "bitmap: 1048576 items, granularity 16; set 0+65536; areas from 100 to 65536 -> 0+65536",
    "NA-6": "bitmap: 1048576 items, granularity 16; set 65536+196608; areas from 0 to 196608 -> 65536+131072",
    "NA-7": "bitmap: 1048576 items, granularity 16; areas from 0 to 1048576 -> none",
    "NA-8": "bitmap: 1048576 items, granularity 16; set 65536+65536; areas from 131072 to 1048576 -> none",
    "NA-9": "bitmap: 1048576 items, granularity 16; set 0+131072; areas from 0 to 100000 -> 0+100000",
}
