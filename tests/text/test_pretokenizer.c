/* test_pretokenizer.c: every type of pre-tokenizer on three texts; what is expected is what tokenizers 0.23.3 gave: the bytes
 * of the text that a piece stands for, and the piece. */
#include "support/fh_test.h"
#include "text/pipe/pretokenizer.h"

static const char mixed[] =
    "\302\240caf\303\251\314\201 \342\200\224 \344\270\200\343\201\202\343\202\242\343\203\274 x\302\262 \331\243\342\205\247 "
    "_a_";
static const char *const texts[] = {"Hello  world, it's 3.14 o'clock!", mixed, "  \n\na\tb  "};

static const struct {
    const char *json;
    size_t text;
    const char *pieces;
} cases[] = {
    {"{\"type\": \"BertPreTokenizer\"}",
     0,
     "0-5:Hello|7-12:world|12-13:,|14-16:it|16-17:'|17-18:s|19-20:3|20-21:.|21-23:14|24-25:o|25-26:'|26-31"
     ":clock|31-32:!|"},
    {"{\"type\": \"BertPreTokenizer\"}",
     1,
     "2-9:caf\xc3\xa9\xcc\x81|10-13:\xe2\x80\x94|14-26:\xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc|27"
     "-30:x\xc2\xb2|31-36:\xd9\xa3\xe2\x85\xa7|37-38:_|38-39:a|39-40:_|"},
    {"{\"type\": \"Whitespace\"}",
     0,
     "0-5:Hello|7-12:world|12-13:,|14-16:it|16-17:'|17-18:s|19-20:3|20-21:.|21-23:14|24-25:o|25-26:'|26-31"
     ":clock|31-32:!|"},
    {"{\"type\": \"Whitespace\"}",
     1,
     "2-9:caf\xc3\xa9\xcc\x81|10-13:\xe2\x80\x94|14-26:\xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc|27"
     "-28:x|28-30:\xc2\xb2|31-36:\xd9\xa3\xe2\x85\xa7|37-40:_a_|"},
    {"{\"type\": \"Whitespace\"}",
     2,
     "4-5:a|6-7:b|"},
    {"{\"type\": \"WhitespaceSplit\"}",
     0,
     "0-5:Hello|7-13:world,|14-18:it's|19-23:3.14|24-32:o'clock!|"},
    {"{\"type\": \"WhitespaceSplit\"}",
     1,
     "2-9:caf\xc3\xa9\xcc\x81|10-13:\xe2\x80\x94|14-26:\xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc|27"
     "-30:x\xc2\xb2|31-36:\xd9\xa3\xe2\x85\xa7|37-40:_a_|"},
    {"{\"type\": \"UnicodeScripts\"}",
     0,
     "0-12:Hello  world|12-14:, |14-16:it|16-17:'|17-19:s |19-24:3.14 |24-25:o|25-26:'|26-31:clock|31-32:!"
     "|"},
    {"{\"type\": \"UnicodeScripts\"}",
     1,
     "0-2:\xc2\xa0|2-7:caf\xc3\xa9|7-10:\xcc\x81 |10-14:\xe2\x80\x94 |14-27:\xe4\xb8\x80\xe3\x81\x82\xe3"
     "\x82\xa2\xe3\x83\xbc |27-28:x|28-31:\xc2\xb2 |31-33:\xd9\xa3|33-37:\xe2\x85\xa7 |37-38:_|38-39:a|39-"
     "40:_|"},
    {"{\"type\": \"UnicodeScripts\"}",
     2,
     "2-4:\n\n|4-5:a|5-6:\t|6-9:b  |"},
    {"{\"type\": \"Punctuation\", \"behavior\": \"Removed\"}",
     0,
     "0-12:Hello  world|13-16: it|17-20:s 3|21-25:14 o|26-31:clock|"},
    {"{\"type\": \"Punctuation\", \"behavior\": \"Removed\"}",
     1,
     "0-10:\xc2\xa0" "caf\xc3\xa9\xcc\x81 |13-37: \xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc x\xc2"
     "\xb2 \xd9\xa3\xe2\x85\xa7 |38-39:a|"},
    {"{\"type\": \"Punctuation\", \"behavior\": \"Isolated\"}",
     0,
     "0-12:Hello  world|12-13:,|13-16: it|16-17:'|17-20:s 3|20-21:.|21-25:14 o|25-26:'|26-31:clock|31-32:!"
     "|"},
    {"{\"type\": \"Punctuation\", \"behavior\": \"Isolated\"}",
     1,
     "0-10:\xc2\xa0" "caf\xc3\xa9\xcc\x81 |10-13:\xe2\x80\x94|13-37: \xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2"
     "\xe3\x83\xbc x\xc2\xb2 \xd9\xa3\xe2\x85\xa7 |37-38:_|38-39:a|39-40:_|"},
    {"{\"type\": \"Punctuation\", \"behavior\": \"MergedWithPrevious\"}",
     0,
     "0-13:Hello  world,|13-17: it'|17-21:s 3.|21-26:14 o'|26-32:clock!|"},
    {"{\"type\": \"Punctuation\", \"behavior\": \"MergedWithPrevious\"}",
     1,
     "0-13:\xc2\xa0" "caf\xc3\xa9\xcc\x81 \xe2\x80\x94|13-38: \xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83"
     "\xbc x\xc2\xb2 \xd9\xa3\xe2\x85\xa7 _|38-40:a_|"},
    {"{\"type\": \"Punctuation\", \"behavior\": \"MergedWithNext\"}",
     0,
     "0-12:Hello  world|12-16:, it|16-20:'s 3|20-25:.14 o|25-31:'clock|31-32:!|"},
    {"{\"type\": \"Punctuation\", \"behavior\": \"MergedWithNext\"}",
     1,
     "0-10:\xc2\xa0" "caf\xc3\xa9\xcc\x81 |10-37:\xe2\x80\x94 \xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83"
     "\xbc x\xc2\xb2 \xd9\xa3\xe2\x85\xa7 |37-39:_a|39-40:_|"},
    {"{\"type\": \"Punctuation\", \"behavior\": \"Contiguous\"}",
     0,
     "0-12:Hello  world|12-13:,|13-16: it|16-17:'|17-20:s 3|20-21:.|21-25:14 o|25-26:'|26-31:clock|31-32:!"
     "|"},
    {"{\"type\": \"Punctuation\", \"behavior\": \"Contiguous\"}",
     1,
     "0-10:\xc2\xa0" "caf\xc3\xa9\xcc\x81 |10-13:\xe2\x80\x94|13-37: \xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2"
     "\xe3\x83\xbc x\xc2\xb2 \xd9\xa3\xe2\x85\xa7 |37-38:_|38-39:a|39-40:_|"},
    {"{\"type\": \"Punctuation\"}",
     0,
     "0-12:Hello  world|12-13:,|13-16: it|16-17:'|17-20:s 3|20-21:.|21-25:14 o|25-26:'|26-31:clock|31-32:!"
     "|"},
    {"{\"type\": \"Punctuation\"}",
     1,
     "0-10:\xc2\xa0" "caf\xc3\xa9\xcc\x81 |10-13:\xe2\x80\x94|13-37: \xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2"
     "\xe3\x83\xbc x\xc2\xb2 \xd9\xa3\xe2\x85\xa7 |37-38:_|38-39:a|39-40:_|"},
    {"{\"type\": \"Digits\", \"individual_digits\": false}",
     0,
     "0-19:Hello  world, it's |19-20:3|20-21:.|21-23:14|23-32: o'clock!|"},
    {"{\"type\": \"Digits\", \"individual_digits\": false}",
     1,
     "0-28:\xc2\xa0" "caf\xc3\xa9\xcc\x81 \xe2\x80\x94 \xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc x|"
     "28-30:\xc2\xb2|30-31: |31-36:\xd9\xa3\xe2\x85\xa7|36-40: _a_|"},
    {"{\"type\": \"Digits\", \"individual_digits\": true}",
     0,
     "0-19:Hello  world, it's |19-20:3|20-21:.|21-22:1|22-23:4|23-32: o'clock!|"},
    {"{\"type\": \"Digits\", \"individual_digits\": true}",
     1,
     "0-28:\xc2\xa0" "caf\xc3\xa9\xcc\x81 \xe2\x80\x94 \xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc x|"
     "28-30:\xc2\xb2|30-31: |31-33:\xd9\xa3|33-36:\xe2\x85\xa7|36-40: _a_|"},
    {"{\"type\": \"FixedLength\", \"length\": 3}",
     0,
     "0-3:Hel|3-6:lo |6-9: wo|9-12:rld|12-15:, i|15-18:t's|18-21: 3.|21-24:14 |24-27:o'c|27-30:loc|30-32:k"
     "!|"},
    {"{\"type\": \"FixedLength\", \"length\": 3}",
     1,
     "0-4:\xc2\xa0" "ca|4-9:f\xc3\xa9\xcc\x81|9-14: \xe2\x80\x94 |14-23:\xe4\xb8\x80\xe3\x81\x82\xe3\x82"
     "\xa2|23-28:\xe3\x83\xbc x|28-33:\xc2\xb2 \xd9\xa3|33-38:\xe2\x85\xa7 _|38-40:a_|"},
    {"{\"type\": \"CharDelimiterSplit\", \"delimiter\": \"\xc3\xa9\"}",
     0,
     "0-32:Hello  world, it's 3.14 o'clock!|"},
    {"{\"type\": \"CharDelimiterSplit\", \"delimiter\": \"\xc3\xa9\"}",
     1,
     "0-5:\xc2\xa0" "caf|7-40:\xcc\x81 \xe2\x80\x94 \xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc x\xc2"
     "\xb2 \xd9\xa3\xe2\x85\xa7 _a_|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": false}",
     0,
     "0-32:Hello\xc4\xa0\xc4\xa0world,\xc4\xa0it's\xc4\xa0" "3.14\xc4\xa0o'clock!|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": false}",
     1,
     "0-40:\xc3\x82\xc5\x82" "caf\xc3\x83\xc2\xa9\xc3\x8c\xc4\xa3\xc4\xa0\xc3\xa2\xc4\xa2\xc4\xb6\xc4\xa0"
     "\xc3\xa4\xc2\xb8\xc4\xa2\xc3\xa3\xc4\xa3\xc4\xa4\xc3\xa3\xc4\xa4\xc2\xa2\xc3\xa3\xc4\xa5\xc2\xbc\xc4"
     "\xa0x\xc3\x82\xc2\xb2\xc4\xa0\xc3\x99\xc2\xa3\xc3\xa2\xc4\xa7\xc2\xa7\xc4\xa0_a_|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": false}",
     2,
     "0-9:\xc4\xa0\xc4\xa0\xc4\x8a\xc4\x8a" "a\xc4\x89" "b\xc4\xa0\xc4\xa0|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}",
     0,
     "0-5:Hello|5-6:\xc4\xa0|6-12:\xc4\xa0world|12-13:,|13-16:\xc4\xa0it|16-18:'s|18-20:\xc4\xa0" "3|20-21"
     ":.|21-23:14|23-25:\xc4\xa0o|25-26:'|26-31:clock|31-32:!|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}",
     1,
     "0-2:\xc3\x82\xc5\x82|2-7:caf\xc3\x83\xc2\xa9|7-9:\xc3\x8c\xc4\xa3|9-13:\xc4\xa0\xc3\xa2\xc4\xa2\xc4"
     "\xb6|13-26:\xc4\xa0\xc3\xa4\xc2\xb8\xc4\xa2\xc3\xa3\xc4\xa3\xc4\xa4\xc3\xa3\xc4\xa4\xc2\xa2\xc3\xa3"
     "\xc4\xa5\xc2\xbc|26-28:\xc4\xa0x|28-30:\xc3\x82\xc2\xb2|30-36:\xc4\xa0\xc3\x99\xc2\xa3\xc3\xa2\xc4"
     "\xa7\xc2\xa7|36-38:\xc4\xa0_|38-39:a|39-40:_|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}",
     2,
     "0-3:\xc4\xa0\xc4\xa0\xc4\x8a|3-4:\xc4\x8a|4-5:a|5-6:\xc4\x89|6-7:b|7-9:\xc4\xa0\xc4\xa0|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": false}",
     0,
     "0-32:\xc4\xa0Hello\xc4\xa0\xc4\xa0world,\xc4\xa0it's\xc4\xa0" "3.14\xc4\xa0o'clock!|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": false}",
     1,
     "0-40:\xc4\xa0\xc3\x82\xc5\x82" "caf\xc3\x83\xc2\xa9\xc3\x8c\xc4\xa3\xc4\xa0\xc3\xa2\xc4\xa2\xc4\xb6"
     "\xc4\xa0\xc3\xa4\xc2\xb8\xc4\xa2\xc3\xa3\xc4\xa3\xc4\xa4\xc3\xa3\xc4\xa4\xc2\xa2\xc3\xa3\xc4\xa5\xc2"
     "\xbc\xc4\xa0x\xc3\x82\xc2\xb2\xc4\xa0\xc3\x99\xc2\xa3\xc3\xa2\xc4\xa7\xc2\xa7\xc4\xa0_a_|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": false}",
     2,
     "0-9:\xc4\xa0\xc4\xa0\xc4\x8a\xc4\x8a" "a\xc4\x89" "b\xc4\xa0\xc4\xa0|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": true}",
     0,
     "0-5:\xc4\xa0Hello|5-6:\xc4\xa0|6-12:\xc4\xa0world|12-13:,|13-16:\xc4\xa0it|16-18:'s|18-20:\xc4\xa0"
     "" "3|20-21:.|21-23:14|23-25:\xc4\xa0o|25-26:'|26-31:clock|31-32:!|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": true}",
     1,
     "0-2:\xc4\xa0|0-2:\xc3\x82\xc5\x82|2-7:caf\xc3\x83\xc2\xa9|7-9:\xc3\x8c\xc4\xa3|9-13:\xc4\xa0\xc3\xa2"
     "\xc4\xa2\xc4\xb6|13-26:\xc4\xa0\xc3\xa4\xc2\xb8\xc4\xa2\xc3\xa3\xc4\xa3\xc4\xa4\xc3\xa3\xc4\xa4\xc2"
     "\xa2\xc3\xa3\xc4\xa5\xc2\xbc|26-28:\xc4\xa0x|28-30:\xc3\x82\xc2\xb2|30-36:\xc4\xa0\xc3\x99\xc2\xa3"
     "\xc3\xa2\xc4\xa7\xc2\xa7|36-38:\xc4\xa0_|38-39:a|39-40:_|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": true}",
     2,
     "0-3:\xc4\xa0\xc4\xa0\xc4\x8a|3-4:\xc4\x8a|4-5:a|5-6:\xc4\x89|6-7:b|7-9:\xc4\xa0\xc4\xa0|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"first\", \"split"
     "\": false}",
     0,
     "0-32:\xe2\x96\x81Hello\xe2\x96\x81\xe2\x96\x81world,\xe2\x96\x81it's\xe2\x96\x81" "3.14\xe2\x96\x81o"
     "'clock!|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"first\", \"split"
     "\": false}",
     1,
     "0-40:\xe2\x96\x81\xc2\xa0" "caf\xc3\xa9\xcc\x81\xe2\x96\x81\xe2\x80\x94\xe2\x96\x81\xe4\xb8\x80\xe3"
     "\x81\x82\xe3\x82\xa2\xe3\x83\xbc\xe2\x96\x81x\xc2\xb2\xe2\x96\x81\xd9\xa3\xe2\x85\xa7\xe2\x96\x81_a_"
     "|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"first\", \"split"
     "\": false}",
     2,
     "0-9:\xe2\x96\x81\xe2\x96\x81\n\na\tb\xe2\x96\x81\xe2\x96\x81|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"first\", \"split"
     "\": true}",
     0,
     "0-5:\xe2\x96\x81Hello|5-6:\xe2\x96\x81|6-13:\xe2\x96\x81world,|13-18:\xe2\x96\x81it's|18-23:\xe2\x96"
     "\x81" "3.14|23-32:\xe2\x96\x81o'clock!|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"first\", \"split"
     "\": true}",
     1,
     "0-9:\xe2\x96\x81\xc2\xa0" "caf\xc3\xa9\xcc\x81|9-13:\xe2\x96\x81\xe2\x80\x94|13-26:\xe2\x96\x81\xe4"
     "\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc|26-30:\xe2\x96\x81x\xc2\xb2|30-36:\xe2\x96\x81\xd9\xa3"
     "\xe2\x85\xa7|36-40:\xe2\x96\x81_a_|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"first\", \"split"
     "\": true}",
     2,
     "0-1:\xe2\x96\x81|1-7:\xe2\x96\x81\n\na\tb|7-8:\xe2\x96\x81|8-9:\xe2\x96\x81|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"never\", \"split"
     "\": false}",
     0,
     "0-32:Hello\xe2\x96\x81\xe2\x96\x81world,\xe2\x96\x81it's\xe2\x96\x81" "3.14\xe2\x96\x81o'clock!|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"never\", \"split"
     "\": false}",
     1,
     "0-40:\xc2\xa0" "caf\xc3\xa9\xcc\x81\xe2\x96\x81\xe2\x80\x94\xe2\x96\x81\xe4\xb8\x80\xe3\x81\x82\xe3"
     "\x82\xa2\xe3\x83\xbc\xe2\x96\x81x\xc2\xb2\xe2\x96\x81\xd9\xa3\xe2\x85\xa7\xe2\x96\x81_a_|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"never\", \"split"
     "\": false}",
     2,
     "0-9:\xe2\x96\x81\xe2\x96\x81\n\na\tb\xe2\x96\x81\xe2\x96\x81|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"never\", \"split"
     "\": true}",
     0,
     "0-5:Hello|5-6:\xe2\x96\x81|6-13:\xe2\x96\x81world,|13-18:\xe2\x96\x81it's|18-23:\xe2\x96\x81" "3.14|"
     "23-32:\xe2\x96\x81o'clock!|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"never\", \"split"
     "\": true}",
     1,
     "0-9:\xc2\xa0" "caf\xc3\xa9\xcc\x81|9-13:\xe2\x96\x81\xe2\x80\x94|13-26:\xe2\x96\x81\xe4\xb8\x80\xe3"
     "\x81\x82\xe3\x82\xa2\xe3\x83\xbc|26-30:\xe2\x96\x81x\xc2\xb2|30-36:\xe2\x96\x81\xd9\xa3\xe2\x85\xa7|"
     "36-40:\xe2\x96\x81_a_|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"never\", \"split"
     "\": true}",
     2,
     "0-1:\xe2\x96\x81|1-7:\xe2\x96\x81\n\na\tb|7-8:\xe2\x96\x81|8-9:\xe2\x96\x81|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"always\", \"split"
     "\": false}",
     0,
     "0-32:\xe2\x96\x81Hello\xe2\x96\x81\xe2\x96\x81world,\xe2\x96\x81it's\xe2\x96\x81" "3.14\xe2\x96\x81o"
     "'clock!|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"always\", \"split"
     "\": false}",
     1,
     "0-40:\xe2\x96\x81\xc2\xa0" "caf\xc3\xa9\xcc\x81\xe2\x96\x81\xe2\x80\x94\xe2\x96\x81\xe4\xb8\x80\xe3"
     "\x81\x82\xe3\x82\xa2\xe3\x83\xbc\xe2\x96\x81x\xc2\xb2\xe2\x96\x81\xd9\xa3\xe2\x85\xa7\xe2\x96\x81_a_"
     "|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"always\", \"split"
     "\": false}",
     2,
     "0-9:\xe2\x96\x81\xe2\x96\x81\n\na\tb\xe2\x96\x81\xe2\x96\x81|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"always\", \"split"
     "\": true}",
     0,
     "0-5:\xe2\x96\x81Hello|5-6:\xe2\x96\x81|6-13:\xe2\x96\x81world,|13-18:\xe2\x96\x81it's|18-23:\xe2\x96"
     "\x81" "3.14|23-32:\xe2\x96\x81o'clock!|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"always\", \"split"
     "\": true}",
     1,
     "0-9:\xe2\x96\x81\xc2\xa0" "caf\xc3\xa9\xcc\x81|9-13:\xe2\x96\x81\xe2\x80\x94|13-26:\xe2\x96\x81\xe4"
     "\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc|26-30:\xe2\x96\x81x\xc2\xb2|30-36:\xe2\x96\x81\xd9\xa3"
     "\xe2\x85\xa7|36-40:\xe2\x96\x81_a_|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"always\", \"split"
     "\": true}",
     2,
     "0-1:\xe2\x96\x81|1-7:\xe2\x96\x81\n\na\tb|7-8:\xe2\x96\x81|8-9:\xe2\x96\x81|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"_\", \"prepend_scheme\": \"always\", \"split\": true}",
     0,
     "0-5:_Hello|5-6:_|6-13:_world,|13-18:_it's|18-23:_3.14|23-32:_o'clock!|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"_\", \"prepend_scheme\": \"always\", \"split\": true}",
     1,
     "0-9:_\xc2\xa0" "caf\xc3\xa9\xcc\x81|9-13:_\xe2\x80\x94|13-26:_\xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2"
     "\xe3\x83\xbc|26-30:_x\xc2\xb2|30-36:_\xd9\xa3\xe2\x85\xa7|36-37:_|37-39:_a|39-40:_|"},
    {"{\"type\": \"Metaspace\", \"replacement\": \"_\", \"prepend_scheme\": \"always\", \"split\": true}",
     2,
     "0-1:_|1-7:_\n\na\tb|7-8:_|8-9:_|"},
    {"{\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}, \"behavior\": \"MergedWithNext\", \"invert\""
     ": false}",
     0,
     "0-32:Hello  world, it's 3.14 o'clock!|"},
    {"{\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}, \"behavior\": \"MergedWithNext\", \"invert\""
     ": false}",
     1,
     "0-3:\xc2\xa0" "c|3-38:af\xc3\xa9\xcc\x81 \xe2\x80\x94 \xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83"
     "\xbc x\xc2\xb2 \xd9\xa3\xe2\x85\xa7 _|38-40:a_|"},
    {"{\"type\": \"Split\", \"pattern\": {\"String\": \" \"}, \"behavior\": \"MergedWithPrevious\", \"inve"
     "rt\": false}",
     0,
     "0-6:Hello |6-7: |7-14:world, |14-19:it's |19-24:3.14 |24-32:o'clock!|"},
    {"{\"type\": \"Split\", \"pattern\": {\"String\": \" \"}, \"behavior\": \"MergedWithPrevious\", \"inve"
     "rt\": false}",
     1,
     "0-10:\xc2\xa0" "caf\xc3\xa9\xcc\x81 |10-14:\xe2\x80\x94 |14-27:\xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2"
     "\xe3\x83\xbc |27-31:x\xc2\xb2 |31-37:\xd9\xa3\xe2\x85\xa7 |37-40:_a_|"},
    {"{\"type\": \"Split\", \"pattern\": {\"String\": \"\"}, \"behavior\": \"Isolated\", \"invert\": false"
     "}",
     0,
     "0-1:H|1-2:e|2-3:l|3-4:l|4-5:o|5-6: |6-7: |7-8:w|8-9:o|9-10:r|10-11:l|11-12:d|12-13:,|13-14: |14-15:i"
     "|15-16:t|16-17:'|17-18:s|18-19: |19-20:3|20-21:.|21-22:1|22-23:4|23-24: |24-25:o|25-26:'|26-27:c|27-"
     "28:l|28-29:o|29-30:c|30-31:k|31-32:!|"},
    {"{\"type\": \"Split\", \"pattern\": {\"String\": \"\"}, \"behavior\": \"Isolated\", \"invert\": false"
     "}",
     1,
     "0-2:\xc2\xa0|2-3:c|3-4:a|4-5:f|5-7:\xc3\xa9|7-9:\xcc\x81|9-10: |10-13:\xe2\x80\x94|13-14: |14-17:"
     "\xe4\xb8\x80|17-20:\xe3\x81\x82|20-23:\xe3\x82\xa2|23-26:\xe3\x83\xbc|26-27: |27-28:x|28-30:\xc2\xb2"
     "|30-31: |31-33:\xd9\xa3|33-36:\xe2\x85\xa7|36-37: |37-38:_|38-39:a|39-40:_|"},
    {"{\"type\": \"Split\", \"pattern\": {\"Regex\": \"\\\\s+\"}, \"behavior\": \"Removed\", \"invert\": f"
     "alse}",
     0,
     "0-5:Hello|7-13:world,|14-18:it's|19-23:3.14|24-32:o'clock!|"},
    {"{\"type\": \"Split\", \"pattern\": {\"Regex\": \"\\\\s+\"}, \"behavior\": \"Removed\", \"invert\": f"
     "alse}",
     1,
     "2-9:caf\xc3\xa9\xcc\x81|10-13:\xe2\x80\x94|14-26:\xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc|27"
     "-30:x\xc2\xb2|31-36:\xd9\xa3\xe2\x85\xa7|37-40:_a_|"},
    {"{\"type\": \"Split\", \"pattern\": {\"Regex\": \"\\\\s+\"}, \"behavior\": \"Contiguous\", \"invert\""
     ": true}",
     0,
     "0-5:Hello|5-7:  |7-13:world,|13-14: |14-18:it's|18-19: |19-23:3.14|23-24: |24-32:o'clock!|"},
    {"{\"type\": \"Split\", \"pattern\": {\"Regex\": \"\\\\s+\"}, \"behavior\": \"Contiguous\", \"invert\""
     ": true}",
     1,
     "0-2:\xc2\xa0|2-9:caf\xc3\xa9\xcc\x81|9-10: |10-13:\xe2\x80\x94|13-14: |14-26:\xe4\xb8\x80\xe3\x81"
     "\x82\xe3\x82\xa2\xe3\x83\xbc|26-27: |27-30:x\xc2\xb2|30-31: |31-36:\xd9\xa3\xe2\x85\xa7|36-37: |37-4"
     "0:_a_|"},
    {"{\"type\": \"Split\", \"pattern\": {\"Regex\": \"[0-9]\"}, \"behavior\": \"Contiguous\", \"invert\":"
     " false}",
     0,
     "0-19:Hello  world, it's |19-20:3|20-21:.|21-23:14|23-32: o'clock!|"},
    {"{\"type\": \"Split\", \"pattern\": {\"Regex\": \"[0-9]\"}, \"behavior\": \"Contiguous\", \"invert\":"
     " false}",
     1,
     "0-40:\xc2\xa0" "caf\xc3\xa9\xcc\x81 \xe2\x80\x94 \xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc x"
     "\xc2\xb2 \xd9\xa3\xe2\x85\xa7 _a_|"},
    {"{\"type\": \"Split\", \"pattern\": {\"Regex\": \"a*\"}, \"behavior\": \"MergedWithPrevious\", \"inve"
     "rt\": false}",
     0,
     "0-1:H|1-2:e|2-3:l|3-4:l|4-5:o|5-6: |6-7: |7-8:w|8-9:o|9-10:r|10-11:l|11-12:d|12-13:,|13-14: |14-15:i"
     "|15-16:t|16-17:'|17-18:s|18-19: |19-20:3|20-21:.|21-22:1|22-23:4|23-24: |24-25:o|25-26:'|26-27:c|27-"
     "28:l|28-29:o|29-30:c|30-31:k|31-32:!|"},
    {"{\"type\": \"Split\", \"pattern\": {\"Regex\": \"a*\"}, \"behavior\": \"MergedWithPrevious\", \"inve"
     "rt\": false}",
     1,
     "0-2:\xc2\xa0|2-4:ca|4-5:f|5-7:\xc3\xa9|7-9:\xcc\x81|9-10: |10-13:\xe2\x80\x94|13-14: |14-17:\xe4\xb8"
     "\x80|17-20:\xe3\x81\x82|20-23:\xe3\x82\xa2|23-26:\xe3\x83\xbc|26-27: |27-28:x|28-30:\xc2\xb2|30-31: "
     "|31-33:\xd9\xa3|33-36:\xe2\x85\xa7|36-37: |37-39:_a|39-40:_|"},
    {"{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(?<=a).|^x|s$\"}, \"behavior\": \"MergedWithNext\","
     " \"invert\": true}",
     0,
     "0-32:Hello  world, it's 3.14 o'clock!|"},
    {"{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(?<=a).|^x|s$\"}, \"behavior\": \"MergedWithNext\","
     " \"invert\": true}",
     1,
     "0-5:\xc2\xa0" "caf|5-40:\xc3\xa9\xcc\x81 \xe2\x80\x94 \xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83"
     "\xbc x\xc2\xb2 \xd9\xa3\xe2\x85\xa7 _a_|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": false}",
     0,
     "0-32:Hello\xc4\xa0\xc4\xa0world,\xc4\xa0it's\xc4\xa0" "3.14\xc4\xa0o'clock!|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": false}",
     1,
     "0-40:\xc3\x82\xc5\x82" "caf\xc3\x83\xc2\xa9\xc3\x8c\xc4\xa3\xc4\xa0\xc3\xa2\xc4\xa2\xc4\xb6\xc4\xa0"
     "\xc3\xa4\xc2\xb8\xc4\xa2\xc3\xa3\xc4\xa3\xc4\xa4\xc3\xa3\xc4\xa4\xc2\xa2\xc3\xa3\xc4\xa5\xc2\xbc\xc4"
     "\xa0x\xc3\x82\xc2\xb2\xc4\xa0\xc3\x99\xc2\xa3\xc3\xa2\xc4\xa7\xc2\xa7\xc4\xa0_a_|"},
    {"{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": false}",
     2,
     "0-9:\xc4\xa0\xc4\xa0\xc4\x8a\xc4\x8a" "a\xc4\x89" "b\xc4\xa0\xc4\xa0|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Punctuation\", \"behavior\": \"Contiguous"
     "\"}, {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": t"
     "rue}, {\"type\": \"Digits\", \"individual_digits\": false}, {\"type\": \"Split\", \"pattern\": {\"Re"
     "gex\": \"[0-9][0-9][0-9]\"}, \"behavior\": \"Isolated\", \"invert\": false}]}",
     0,
     "0-5:Hello|5-6:\xc4\xa0|6-12:\xc4\xa0world|12-13:,|13-16:\xc4\xa0it|16-17:'|17-18:s|18-19:\xc4\xa0|19"
     "-20:3|20-21:.|21-23:14|23-25:\xc4\xa0o|25-26:'|26-31:clock|31-32:!|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Punctuation\", \"behavior\": \"Contiguous"
     "\"}, {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": t"
     "rue}, {\"type\": \"Digits\", \"individual_digits\": false}, {\"type\": \"Split\", \"pattern\": {\"Re"
     "gex\": \"[0-9][0-9][0-9]\"}, \"behavior\": \"Isolated\", \"invert\": false}]}",
     1,
     "0-2:\xc3\x82\xc5\x82|2-7:caf\xc3\x83\xc2\xa9|7-9:\xc3\x8c\xc4\xa3|9-10:\xc4\xa0|10-13:\xc3\xa2\xc4"
     "\xa2\xc4\xb6|13-26:\xc4\xa0\xc3\xa4\xc2\xb8\xc4\xa2\xc3\xa3\xc4\xa3\xc4\xa4\xc3\xa3\xc4\xa4\xc2\xa2"
     "\xc3\xa3\xc4\xa5|23-26:\xc2\xbc|26-28:\xc4\xa0x|28-30:\xc3\x82|28-30:\xc2\xb2|30-36:\xc4\xa0\xc3\x99"
     "\xc2\xa3\xc3\xa2\xc4\xa7\xc2\xa7|36-37:\xc4\xa0|37-38:_|38-39:a|39-40:_|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"WhitespaceSplit\"}, {\"type\": \"Metaspace"
     "\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"always\", \"split\": true}]}",
     0,
     "0-5:\xe2\x96\x81Hello|7-13:\xe2\x96\x81world,|14-18:\xe2\x96\x81it's|19-23:\xe2\x96\x81" "3.14|24-32"
     ":\xe2\x96\x81o'clock!|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"WhitespaceSplit\"}, {\"type\": \"Metaspace"
     "\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"always\", \"split\": true}]}",
     1,
     "2-9:\xe2\x96\x81" "caf\xc3\xa9\xcc\x81|10-13:\xe2\x96\x81\xe2\x80\x94|14-26:\xe2\x96\x81\xe4\xb8\x80"
     "\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc|27-30:\xe2\x96\x81x\xc2\xb2|31-36:\xe2\x96\x81\xd9\xa3\xe2\x85"
     "\xa7|37-40:\xe2\x96\x81_a_|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"WhitespaceSplit\"}, {\"type\": \"Metaspace"
     "\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"first\", \"split\": true}]}",
     0,
     "0-5:\xe2\x96\x81Hello|7-13:world,|14-18:it's|19-23:3.14|24-32:o'clock!|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"WhitespaceSplit\"}, {\"type\": \"Metaspace"
     "\", \"replacement\": \"\xe2\x96\x81\", \"prepend_scheme\": \"first\", \"split\": true}]}",
     1,
     "2-9:caf\xc3\xa9\xcc\x81|10-13:\xe2\x80\x94|14-26:\xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc|27"
     "-30:x\xc2\xb2|31-36:\xd9\xa3\xe2\x85\xa7|37-40:_a_|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96"
     "\x81\", \"prepend_scheme\": \"always\", \"split\": true}, {\"type\": \"ByteLevel\", \"add_prefix_spa"
     "ce\": false, \"trim_offsets\": true, \"use_regex\": true}]}",
     0,
     "0-1:\xc3\xa2\xc4\xb8\xc4\xa3|0-5:Hello|5-6:\xc3\xa2\xc4\xb8\xc4\xa3|6-7:\xc3\xa2\xc4\xb8\xc4\xa3|7-1"
     "2:world|12-13:,|13-14:\xc3\xa2\xc4\xb8\xc4\xa3|14-16:it|16-18:'s|18-19:\xc3\xa2\xc4\xb8\xc4\xa3|19-2"
     "0:3|20-21:.|21-23:14|23-24:\xc3\xa2\xc4\xb8\xc4\xa3|24-25:o|25-26:'|26-31:clock|31-32:!|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96"
     "\x81\", \"prepend_scheme\": \"always\", \"split\": true}, {\"type\": \"ByteLevel\", \"add_prefix_spa"
     "ce\": false, \"trim_offsets\": true, \"use_regex\": true}]}",
     1,
     "0-2:\xc3\xa2\xc4\xb8\xc4\xa3|0-2:\xc3\x82\xc5\x82|2-7:caf\xc3\x83\xc2\xa9|7-9:\xc3\x8c\xc4\xa3|9-13:"
     "\xc3\xa2\xc4\xb8\xc4\xa3\xc3\xa2\xc4\xa2\xc4\xb6|13-14:\xc3\xa2\xc4\xb8\xc4\xa3|14-26:\xc3\xa4\xc2"
     "\xb8\xc4\xa2\xc3\xa3\xc4\xa3\xc4\xa4\xc3\xa3\xc4\xa4\xc2\xa2\xc3\xa3\xc4\xa5\xc2\xbc|26-27:\xc3\xa2"
     "\xc4\xb8\xc4\xa3|27-28:x|28-30:\xc3\x82\xc2\xb2|30-31:\xc3\xa2\xc4\xb8\xc4\xa3|31-36:\xc3\x99\xc2"
     "\xa3\xc3\xa2\xc4\xa7\xc2\xa7|36-38:\xc3\xa2\xc4\xb8\xc4\xa3_|38-39:a|39-40:_|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"ByteLevel\", \"add_prefix_space\": true, "
     "\"trim_offsets\": true, \"use_regex\": false}, {\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96"
     "\x81\", \"prepend_scheme\": \"first\", \"split\": true}]}",
     0,
     "0-32:\xe2\x96\x81\xc4\xa0Hello\xc4\xa0\xc4\xa0world,\xc4\xa0it's\xc4\xa0" "3.14\xc4\xa0o'clock!|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"ByteLevel\", \"add_prefix_space\": true, "
     "\"trim_offsets\": true, \"use_regex\": false}, {\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96"
     "\x81\", \"prepend_scheme\": \"first\", \"split\": true}]}",
     1,
     "0-40:\xe2\x96\x81\xc4\xa0\xc3\x82\xc5\x82" "caf\xc3\x83\xc2\xa9\xc3\x8c\xc4\xa3\xc4\xa0\xc3\xa2\xc4"
     "\xa2\xc4\xb6\xc4\xa0\xc3\xa4\xc2\xb8\xc4\xa2\xc3\xa3\xc4\xa3\xc4\xa4\xc3\xa3\xc4\xa4\xc2\xa2\xc3\xa3"
     "\xc4\xa5\xc2\xbc\xc4\xa0x\xc3\x82\xc2\xb2\xc4\xa0\xc3\x99\xc2\xa3\xc3\xa2\xc4\xa7\xc2\xa7\xc4\xa0_a_"
     "|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\":"
     " \"Digits\", \"individual_digits\": true}]}, {\"type\": \"ByteLevel\", \"add_prefix_space\": true, "
     "\"trim_offsets\": true, \"use_regex\": true}]}",
     0,
     "0-5:\xc4\xa0Hello|5-6:\xc4\xa0|6-12:\xc4\xa0world|12-13:,|13-16:\xc4\xa0it|16-18:'s|18-19:\xc4\xa0|1"
     "9-20:\xc4\xa0" "3|20-21:\xc4\xa0.|21-22:\xc4\xa0" "1|22-23:\xc4\xa0" "4|23-25:\xc4\xa0o|25-26:'|26-3"
     "1:clock|31-32:!|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\":"
     " \"Digits\", \"individual_digits\": true}]}, {\"type\": \"ByteLevel\", \"add_prefix_space\": true, "
     "\"trim_offsets\": true, \"use_regex\": true}]}",
     1,
     "0-2:\xc4\xa0|0-2:\xc3\x82\xc5\x82|2-7:caf\xc3\x83\xc2\xa9|7-9:\xc3\x8c\xc4\xa3|9-13:\xc4\xa0\xc3\xa2"
     "\xc4\xa2\xc4\xb6|13-26:\xc4\xa0\xc3\xa4\xc2\xb8\xc4\xa2\xc3\xa3\xc4\xa3\xc4\xa4\xc3\xa3\xc4\xa4\xc2"
     "\xa2\xc3\xa3\xc4\xa5\xc2\xbc|26-28:\xc4\xa0x|28-30:\xc4\xa0\xc3\x82\xc2\xb2|30-31:\xc4\xa0|31-33:"
     "\xc4\xa0\xc3\x99\xc2\xa3|33-36:\xc4\xa0\xc3\xa2\xc4\xa7\xc2\xa7|36-38:\xc4\xa0_|38-39:a|39-40:_|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": []}",
     0,
     "0-32:Hello  world, it's 3.14 o'clock!|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": []}",
     1,
     "0-40:\xc2\xa0" "caf\xc3\xa9\xcc\x81 \xe2\x80\x94 \xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc x"
     "\xc2\xb2 \xd9\xa3\xe2\x85\xa7 _a_|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(?i:'s"
     "|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{"
     "N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"}, \"behavior\": \"Isolated\", \"inver"
     "t\": false}, {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_re"
     "gex\": false}]}",
     0,
     "0-5:Hello|5-6:\xc4\xa0|6-12:\xc4\xa0world|12-13:,|13-16:\xc4\xa0it|16-18:'s|18-19:\xc4\xa0|19-20:3|2"
     "0-21:.|21-23:14|23-25:\xc4\xa0o|25-31:'clock|31-32:!|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(?i:'s"
     "|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{"
     "N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"}, \"behavior\": \"Isolated\", \"inver"
     "t\": false}, {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_re"
     "gex\": false}]}",
     1,
     "0-7:\xc3\x82\xc5\x82" "caf\xc3\x83\xc2\xa9|7-9:\xc3\x8c\xc4\xa3|9-13:\xc4\xa0\xc3\xa2\xc4\xa2\xc4"
     "\xb6|13-26:\xc4\xa0\xc3\xa4\xc2\xb8\xc4\xa2\xc3\xa3\xc4\xa3\xc4\xa4\xc3\xa3\xc4\xa4\xc2\xa2\xc3\xa3"
     "\xc4\xa5\xc2\xbc|26-28:\xc4\xa0x|28-30:\xc3\x82\xc2\xb2|30-31:\xc4\xa0|31-36:\xc3\x99\xc2\xa3\xc3"
     "\xa2\xc4\xa7\xc2\xa7|36-38:\xc4\xa0_|38-39:a|39-40:_|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96"
     "\x81\", \"prepend_scheme\": \"first\", \"split\": true}, {\"type\": \"Metaspace\", \"replacement\": "
     "\"x\", \"prepend_scheme\": \"first\", \"split\": true}]}",
     0,
     "0-5:x\xe2\x96\x81Hello|5-6:\xe2\x96\x81|6-13:\xe2\x96\x81world,|13-18:\xe2\x96\x81it's|18-23:\xe2"
     "\x96\x81" "3.14|23-32:\xe2\x96\x81o'clock!|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Metaspace\", \"replacement\": \"\xe2\x96"
     "\x81\", \"prepend_scheme\": \"first\", \"split\": true}, {\"type\": \"Metaspace\", \"replacement\": "
     "\"x\", \"prepend_scheme\": \"first\", \"split\": true}]}",
     1,
     "0-9:x\xe2\x96\x81\xc2\xa0" "caf\xc3\xa9\xcc\x81|9-13:\xe2\x96\x81\xe2\x80\x94|13-26:\xe2\x96\x81\xe4"
     "\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc|26-27:\xe2\x96\x81|27-30:x\xc2\xb2|30-36:\xe2\x96\x81"
     "\xd9\xa3\xe2\x85\xa7|36-40:\xe2\x96\x81_a_|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"ByteLevel\", \"add_prefix_space\": true, "
     "\"trim_offsets\": true, \"use_regex\": true}, {\"type\": \"Digits\", \"individual_digits\": true}, {"
     "\"type\": \"Whitespace\"}]}",
     0,
     "0-5:\xc4\xa0Hello|5-6:\xc4\xa0|6-12:\xc4\xa0world|12-13:,|13-16:\xc4\xa0it|16-17:'|17-18:s|18-19:"
     "\xc4\xa0|19-20:3|20-21:.|21-22:1|22-23:4|23-25:\xc4\xa0o|25-26:'|26-31:clock|31-32:!|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"ByteLevel\", \"add_prefix_space\": true, "
     "\"trim_offsets\": true, \"use_regex\": true}, {\"type\": \"Digits\", \"individual_digits\": true}, {"
     "\"type\": \"Whitespace\"}]}",
     1,
     "0-2:\xc4\xa0|0-2:\xc3\x82\xc5\x82|2-7:caf\xc3\x83|5-7:\xc2\xa9|7-9:\xc3\x8c\xc4\xa3|9-13:\xc4\xa0"
     "\xc3\xa2\xc4\xa2\xc4\xb6|13-17:\xc4\xa0\xc3\xa4|14-17:\xc2\xb8|14-23:\xc4\xa2\xc3\xa3\xc4\xa3\xc4"
     "\xa4\xc3\xa3\xc4\xa4|20-23:\xc2\xa2|23-26:\xc3\xa3\xc4\xa5|23-26:\xc2\xbc|26-28:\xc4\xa0x|28-30:\xc3"
     "\x82|28-30:\xc2\xb2|30-33:\xc4\xa0\xc3\x99|31-33:\xc2\xa3|33-36:\xc3\xa2\xc4\xa7|33-36:\xc2\xa7|36-3"
     "8:\xc4\xa0_|38-39:a|39-40:_|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"String\": \"b\"},"
     " \"behavior\": \"Removed\", \"invert\": false}, {\"type\": \"Metaspace\", \"replacement\": \"\xe2"
     "\x96\x81\", \"prepend_scheme\": \"first\", \"split\": true}, {\"type\": \"UnicodeScripts\"}]}",
     0,
     "0-1:\xe2\x96\x81|0-5:Hello|5-6:\xe2\x96\x81|6-7:\xe2\x96\x81|7-12:world|12-13:,|13-14:\xe2\x96\x81|1"
     "4-16:it|16-17:'|17-18:s|18-23:\xe2\x96\x81" "3.14|23-24:\xe2\x96\x81|24-25:o|25-26:'|26-31:clock|31-"
     "32:!|"},
    {"{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"String\": \"b\"},"
     " \"behavior\": \"Removed\", \"invert\": false}, {\"type\": \"Metaspace\", \"replacement\": \"\xe2"
     "\x96\x81\", \"prepend_scheme\": \"first\", \"split\": true}, {\"type\": \"UnicodeScripts\"}]}",
     1,
     "0-2:\xe2\x96\x81\xc2\xa0|2-7:caf\xc3\xa9|7-9:\xcc\x81|9-13:\xe2\x96\x81\xe2\x80\x94|13-14:\xe2\x96"
     "\x81|14-26:\xe4\xb8\x80\xe3\x81\x82\xe3\x82\xa2\xe3\x83\xbc|26-27:\xe2\x96\x81|27-28:x|28-30:\xc2"
     "\xb2|30-31:\xe2\x96\x81|31-33:\xd9\xa3|33-36:\xe2\x85\xa7|36-38:\xe2\x96\x81_|38-39:a|39-40:_|"},
};

/* Pieces and text of one run, ready to be used again. */
typedef struct bench {
    fh_pieces p;
    fh_normalized n;
    fh_buf got;
} bench;

static void bench_init(bench *b, fh_allocator *a) {
    fh_pieces_init(&b->p, a);
    fh_normalized_init(&b->n, a);
    fh_buf_init(&b->got, a, 0);
}

static void bench_deinit(bench *b) {
    fh_pieces_deinit(&b->p);
    fh_normalized_deinit(&b->n);
    fh_buf_deinit(&b->got);
}

static fh_status run(bench *b, const fh_pretokenizer *pt, fh_span text, bool tracked, bool raw_bytes) {
    FH_TRY(fh_normalized_reset(&b->n, text, tracked));
    fh_pieces_reset(&b->p, 0);
    FH_TRY(fh_pieces_add(&b->p, (fh_piece){0, (uint32_t)text.size, FH_NO_TOKEN, true}));
    return fh_pretokenizer_run(pt, &b->p, &b->n, raw_bytes);
}

/* The pieces as in the table. */
static fh_status show(bench *b) {
    fh_buf_truncate(&b->got, 0);
    for (size_t i = 0; i < b->p.count; i++) {
        fh_piece piece = fh_pieces_get(&b->p, i);
        fh_origin o = fh_normalized_origin(&b->n, piece.begin, piece.end);
        FH_TRY(fh_buf_format(&b->got, "%u-%u:", o.begin, o.end));
        FH_TRY(fh_buf_put(&b->got, fh_span_sub(fh_normalized_view(&b->n), piece.begin, piece.end - piece.begin)));
        FH_TRY(fh_buf_put(&b->got, FH_LIT("|")));
    }
    return FH_DONE;
}

static fh_pretokenizer *pretokenizer(fh_allocator *a, const char *json) {
    fh_pretokenizer *pt = NULL;
    fh_assert_ok(fh_pretokenizer_read(a, fh_span_of_str(json), 0, &pt, NULL));
    return pt;
}

static void test_table(void **state) {
    bench b;
    bench_init(&b, fh_test_allocator(state));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_pretokenizer *pt = pretokenizer(fh_test_allocator(state), cases[i].json);
        fh_span text = fh_span_of_str(texts[cases[i].text]);
        fh_assert_ok(run(&b, pt, text, true, false));
        fh_assert_ok(show(&b));
        fh_assert_span(fh_buf_view(&b.got), cases[i].pieces);
        /* The same pieces without origins, where they do not decide. */
        size_t count = b.p.count, size = fh_normalized_view(&b.n).size;
        fh_assert_ok(run(&b, pt, text, false, false));
        if (!fh_pretokenizer_needs_origins(pt, false)) {
            assert_int_equal(b.p.count, count);
            assert_int_equal(fh_normalized_view(&b.n).size, size);
        }
        fh_pretokenizer_free(pt);
    }
    bench_deinit(&b);
}

#define BYTES(prefix, regex) \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":" prefix ",\"trim_offsets\":true,\"use_regex\":" regex "}"
#define MARKS(scheme) "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"" scheme "\"}"

#define ROW(steps) "{\"type\":\"Sequence\",\"pretokenizers\":[" steps "]}"

static void expect(fh_allocator *a, const char *json, const char *text, bool raw_bytes, const char *expected) {
    bench b;
    bench_init(&b, a);
    fh_pretokenizer *pt = pretokenizer(a, json);
    fh_assert_ok(run(&b, pt, fh_span_of_str(text), true, raw_bytes));
    fh_assert_ok(show(&b));
    fh_assert_span(fh_buf_view(&b.got), expected);
    fh_pretokenizer_free(pt);
    bench_deinit(&b);
}

/* At the end, and only there, a ByteLevel may leave bytes as they are. */
static void test_raw_bytes(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    expect(a, BYTES("false", "true"), "a \xc3\xa9", false, "0-1:a|1-4:\xc4\xa0\xc3\x83\xc2\xa9|");
    expect(a, BYTES("false", "true"), "a \xc3\xa9", true, "0-1:a|1-4: \xc3\xa9|");
    expect(a, BYTES("true", "true"), "a b", true, "0-1: a|1-3: b|");
    expect(a, ROW(BYTES("false", "true") "," MARKS("never")), "a b", true,
           "0-1:a|1-3:\xc4\xa0"
           "b|");
}

/* Tokens that were found before stay as they are, and keep their place in the text. */
static void test_tokens_stay(void **state) {
    bench b;
    bench_init(&b, fh_test_allocator(state));
    static const char *const configs[] = {BYTES("true", "true"), MARKS("always"), "{\"type\":\"Whitespace\"}"};
    static const char *const expected[] = {"0-1:\xc4\xa0"
                                           "a|1-2:\xc4\xa0|2-6:<x y|6-8:\xc4\xa0"
                                           "b|",
                                           "0-1:_a|1-2:_|2-6:<x y|6-8:_b|", "0-1:a|2-6:<x y|7-8:b|"};
    for (size_t i = 0; i < 3; i++) {
        fh_pretokenizer *pt = pretokenizer(fh_test_allocator(state), configs[i]);
        fh_assert_ok(fh_normalized_reset(&b.n, FH_LIT("a <x y b"), true));
        fh_pieces_reset(&b.p, 0);
        fh_assert_ok(fh_pieces_add(&b.p, (fh_piece){0, 2, FH_NO_TOKEN, true}));
        fh_assert_ok(fh_pieces_add(&b.p, (fh_piece){2, 6, 7, false}));
        fh_assert_ok(fh_pieces_add(&b.p, (fh_piece){6, 8, FH_NO_TOKEN, false}));
        fh_assert_ok(fh_pretokenizer_run(pt, &b.p, &b.n, false));
        fh_assert_ok(show(&b));
        fh_assert_span(fh_buf_view(&b.got), expected[i]);
        for (size_t k = 0, tokens = 0; k < b.p.count; k++) {
            tokens += fh_pieces_get(&b.p, k).token == 7;
            assert_true(k + 1 < b.p.count || tokens == 1);
        }
        fh_pretokenizer_free(pt);
    }
    bench_deinit(&b);
}

static void test_questions(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static const struct {
        const char *json;
        bool bytes, origins;
        bool first; /* a text that was normalized needs them */
    } all[] = {
        {"null", false, false, false},
        {BYTES("false", "true"), true, false, false},
        {BYTES("true", "true"), true, false, false},
        {BYTES("false", "false"), true, false, false},
        {MARKS("first"), false, false, true},
        {ROW(""), false, false, false},
        {ROW(BYTES("true", "false") "," MARKS("first")), false, true, false},
        {ROW(MARKS("first") "," MARKS("never")), false, false, true},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        fh_pretokenizer *pt = pretokenizer(a, all[i].json);
        assert_int_equal(fh_pretokenizer_ends_in_bytes(pt), all[i].bytes);
        assert_int_equal(fh_pretokenizer_needs_origins(pt, false), all[i].origins);
        assert_int_equal(fh_pretokenizer_needs_origins(pt, true), all[i].origins || all[i].first);
        fh_pretokenizer_free(pt);
    }
}

/* Once memory is warm, a run allocates nothing. */
static void test_warm(void **state) {
    bench b;
    bench_init(&b, fh_test_allocator(state));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_pretokenizer *pt = pretokenizer(fh_test_allocator(state), cases[i].json);
        fh_span text = fh_span_of_str(texts[cases[i].text]);
        for (int round = 0; round < 3; round++)
            fh_assert_ok(run(&b, pt, text, true, false));
        uint64_t before = fh_trace_stats(fh_test_trace(state)).allocs;
        fh_assert_ok(run(&b, pt, text, true, false));
        assert_int_equal(fh_trace_stats(fh_test_trace(state)).allocs, before);
        fh_pretokenizer_free(pt);
    }
    bench_deinit(&b);
}

static fh_status use(fh_allocator *a, void *arg) {
    const char *json = arg;
    bench b;
    fh_pretokenizer *pt = NULL;
    FH_TRY(fh_pretokenizer_read(a, fh_span_of_str(json), 0, &pt, NULL));
    bench_init(&b, a);
    fh_status s = run(&b, pt, fh_span_of_str(texts[1]), true, false);
    bench_deinit(&b);
    fh_pretokenizer_free(pt);
    return s;
}

static void test_no_memory(void **state) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), use, (void *)(uintptr_t)cases[i].json) >= 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_table),     FH_TEST_ALLOC(test_raw_bytes),
                                       FH_TEST_ALLOC(test_tokens_stay), FH_TEST_ALLOC(test_questions),
                                       FH_TEST_ALLOC(test_warm),      FH_TEST_ALLOC(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
