/* test_encoder.c: small pipelines on small texts, with all that an encoding has, as the reference gives it (tokenizers 0.23.3;
 * offsets in code points); what it refuses; and how much it counts. The peer test has the large ones. */
#include <string.h>

#include "freehold/utf8.h"
#include "text/made_pipeline.h"
#include "text/pipe/byte_alphabet.h"

#define ROBERTA "{\"type\":\"RobertaProcessing\",\"sep\":[\"[SEP]\",2],\"cls\":[\"[CLS]\",1],\"trim_offsets\":true,\"ad" \
    "d_prefix_space\":true}"
#define TEMPLATE "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"[CLS]\",\"type_id\":0}},{\"S" \
    "equence\":{\"id\":\"A\",\"type_id\":2}},{\"SpecialToken\":{\"id\":\"two\",\"type_id\":1}}],\"pair\":[{\"Sequence" \
    "\":{\"id\":\"B\",\"type_id\":1}},{\"SpecialToken\":{\"id\":\"[CLS]\",\"type_id\":3}},{\"Sequence\":{\"id\":\"A\"" \
    ",\"type_id\":0}}],\"special_tokens\":{\"[CLS]\":{\"id\":\"[CLS]\",\"ids\":[1],\"tokens\":[\"[CLS]\"]},\"two\":{" \
    "\"id\":\"two\",\"ids\":[2,9],\"tokens\":[\"[SEP]\",\"shown\"]}}}"
#define BYTE_LEVEL "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true}"
#define BYTE_LEVEL_0 "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":true}"
#define BPE "{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"\xc4\xa0\":2,\"\xc4\xa0""a\":3,\"ab\":4,\"\xc3\x83\":5,\"" \
    "\xc2\xa9\":6},\"merges\":[\"\xc4\xa0 a\",\"a b\"]}"
#define UNIGRAM "{\"type\":\"Unigram\",\"unk_id\":0,\"byte_fallback\":false,\"vocab\":[[\"<u>\",0.0],[\"a\",-1.0],[\"b" \
    "\",-2.0],[\"\xe2\x96\x81""a\",-1.5]]}"

static const struct {
    made_parts parts;
    const char *text, *pair, *expected;
} cases[] = {
    {{.pre = MADE_SPLIT},
     "the cats", NULL,
     "8:0:0:0-3:0:1:0:the 9:0:1:4-7:0:1:0:cat 10:0:1:7-8:0:1:0:##s"},
    {{.pre = MADE_SPLIT}, /* what is dropped between pieces counts too */
     "a\xe3\x80\x80" "a\xe2\x80\xa8" "a", NULL,
     "3:0:0:0-1:0:1:0:a 3:0:1:2-3:0:1:0:a 3:0:2:4-5:0:1:0:a"},
    {{.pre = MADE_SPLIT},
     "\xc3\xa9 a \xc3\xa9", NULL,
     "12:0:0:0-1:0:1:0:\xc3\xa9 3:0:1:2-3:0:1:0:a 12:0:2:4-5:0:1:0:\xc3\xa9"},
    {{.pre = MADE_SPLIT, .model = UNIGRAM},
     "a x ab", NULL,
     "1:0:0:0-1:0:1:0:a 0:0:1:2-3:0:1:0:x 1:0:2:4-5:0:1:0:a 2:0:2:5-6:0:1:0:b"},
    {{.pre = MADE_SPLIT, .normalizer = "{\"type\":\"NFKC\"}"}, /* the one letter "ij", of two bytes, becomes two letters */
     "\xc4\xb3 a", NULL,
     "0:0:0:0-1:0:1:0:[UNK] 3:0:1:2-3:0:1:0:a"},
    {{.pre = MADE_SPLIT},
     "the xyz", NULL,
     "8:0:0:0-3:0:1:0:the 0:0:1:4-7:0:1:0:[UNK]"},
    {{.pre = MADE_SPLIT},
     "the", "cats a",
     "8:0:0:0-3:0:1:0:the 9:1:0:0-3:0:1:1:cat 10:1:0:3-4:0:1:1:##s 3:1:1:5-6:0:1:1:a"},
    {{.pre = MADE_SPLIT},
     "", NULL,
     ""},
    {{.pre = MADE_SPLIT},
     "", "a",
     "3:1:0:0-1:0:1:1:a"},
    {{.pre = MADE_SPLIT, .post = MADE_BERT},
     "the cats", NULL,
     "1:0:-:0-0:1:1:-:[CLS] 8:0:0:0-3:0:1:0:the 9:0:1:4-7:0:1:0:cat 10:0:1:7-8:0:1:0:##s 2:0:-:0-0:1:1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .post = MADE_BERT},
     "the", "cats",
     "1:0:-:0-0:1:1:-:[CLS] 8:0:0:0-3:0:1:0:the 2:0:-:0-0:1:1:-:[SEP] 9:1:0:0-3:0:1:1:cat 10:1:0:3-4:0:1:1:##s 2:1:-:0-"
     "0:1:1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .post = ROBERTA},
     "the", "cats",
     "1:0:-:0-0:1:1:-:[CLS] 8:0:0:0-3:0:1:0:the 2:0:-:0-0:1:1:-:[SEP] 2:0:-:0-0:1:1:-:[SEP] 9:0:0:0-3:0:1:1:cat 10:0:0:"
     "3-4:0:1:1:##s 2:0:-:0-0:1:1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .post = TEMPLATE},
     "the cats", NULL,
     "1:0:-:0-0:1:1:-:[CLS] 8:2:0:0-3:0:1:0:the 9:2:1:4-7:0:1:0:cat 10:2:1:7-8:0:1:0:##s 2:1:-:0-0:1:1:-:[SEP] 9:1:-:0-"
     "0:1:1:-:shown"},
    {{.pre = MADE_SPLIT, .post = TEMPLATE},
     "the", "cats a",
     "9:1:0:0-3:0:1:1:cat 10:1:0:3-4:0:1:1:##s 3:1:1:5-6:0:1:1:a 1:3:-:0-0:1:1:-:[CLS] 8:0:0:0-3:0:1:0:the"},
    {{.pre = MADE_SPLIT, .post = "{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\",\"add_prefix_space\":t"
     "rue,\"trim_offsets\":true,\"use_regex\":true},{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\""
     "id\":\"[CLS]\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":2}},{\"SpecialToken\":{\"id\":\"two\",\"t"
     "ype_id\":1}}],\"pair\":[{\"Sequence\":{\"id\":\"B\",\"type_id\":1}},{\"SpecialToken\":{\"id\":\"[CLS]\",\"type_i"
     "d\":3}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"special_tokens\":{\"[CLS]\":{\"id\":\"[CLS]\",\"ids\":[1]"
     ",\"tokens\":[\"[CLS]\"]},\"two\":{\"id\":\"two\",\"ids\":[2,9],\"tokens\":[\"[SEP]\",\"shown\"]}}}]}"},
     "the", "a",
     "3:1:0:0-1:0:1:1:a 1:3:-:0-0:1:1:-:[CLS] 8:0:0:0-3:0:1:0:the"},
    {{.pre = MADE_SPLIT, .post = "{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\",\"add_prefix_space\":t"
     "rue,\"trim_offsets\":true,\"use_regex\":true},{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\""
     ":true,\"use_regex\":true},{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",2],\"cls\":[\"[CLS]\",1]}]}"},
     "the", "a",
     "1:0:-:0-0:1:1:-:[CLS] 8:0:0:0-3:0:1:0:the 2:0:-:0-0:1:1:-:[SEP] 3:1:0:0-1:0:1:1:a 2:1:-:0-0:1:1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .post = "{\"type\":\"Sequence\",\"processors\":[{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]"
     "\",2],\"cls\":[\"[CLS]\",1]},{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex"
     "\":true}]}"},
     "the", "a",
     "1:0:-:0-0:1:1:0:[CLS] 8:0:0:0-3:0:1:0:the 2:0:-:0-0:1:1:0:[SEP] 3:1:0:0-1:0:1:1:a 2:1:-:0-0:1:1:1:[SEP]"},
    {{.pre = MADE_SPLIT, .post = "{\"type\":\"Sequence\",\"processors\":[]}"},
     "the", "a",
     "8:0:0:0-3:0:1:0:the 3:1:0:0-1:0:1:1:a"},
    {{.pre = BYTE_LEVEL, .post = BYTE_LEVEL, .model = BPE},
     "a ab  b", NULL,
     "3:0:0:0-1:0:1:0:\xc4\xa0""a 3:0:1:2-3:0:1:0:\xc4\xa0""a 1:0:1:3-4:0:1:0:b 2:0:2:5-5:0:1:0:\xc4\xa0 2:0:3:6-6:0:1:"
     "0:\xc4\xa0 1:0:3:6-7:0:1:0:b"},
    {{.pre = BYTE_LEVEL_0, .post = BYTE_LEVEL, .model = BPE},
     " a ab", NULL,
     "3:0:0:0-2:0:1:0:\xc4\xa0""a 3:0:1:3-4:0:1:0:\xc4\xa0""a 1:0:1:4-5:0:1:0:b"},
    {{.pre = BYTE_LEVEL, .post = BYTE_LEVEL_0, .model = BPE},
     "a ab \xc3\xa9", NULL,
     "3:0:0:1-1:0:1:0:\xc4\xa0""a 3:0:1:2-3:0:1:0:\xc4\xa0""a 1:0:1:3-4:0:1:0:b 2:0:2:5-5:0:1:0:\xc4\xa0 5:0:2:5-6:0:1:"
     "0:\xc3\x83 6:0:2:5-6:0:1:0:\xc2\xa9"},
    {{.pre = BYTE_LEVEL, .model = BPE},
     "a \xc3\xa9", NULL,
     "3:0:0:0-1:0:1:0:\xc4\xa0""a 2:0:1:1-2:0:1:0:\xc4\xa0 5:0:1:2-3:0:1:0:\xc3\x83 6:0:1:2-3:0:1:0:\xc2\xa9"},
    {{.pre = BYTE_LEVEL, .post = "{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\",\"add_prefix_space\":t"
     "rue,\"trim_offsets\":true,\"use_regex\":true},{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\""
     ":true,\"use_regex\":true}]}", .model = BPE},
     "  a ab", NULL,
     "2:0:0:0-0:0:1:0:\xc4\xa0 3:0:1:3-3:0:1:0:\xc4\xa0""a 3:0:2:5-5:0:1:0:\xc4\xa0""a 1:0:2:5-6:0:1:0:b"},
    {{.pre = BYTE_LEVEL, .post = ROBERTA, .model = BPE},
     "a ab", "b",
     "1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:\xc4\xa0""a 3:0:1:2-3:0:1:0:\xc4\xa0""a 1:0:1:3-4:0:1:0:b 2:0:-:0-0:1:1:-:["
     "SEP] 2:0:-:0-0:1:1:-:[SEP] 2:0:0:0-0:0:1:1:\xc4\xa0 1:0:0:0-1:0:1:1:b 2:0:-:0-0:1:1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .truncation = "{\"direction\":\"Right\",\"max_length\":3,\"strategy\":\"LongestFirst\",\"strid"
     "e\":0}"},
     "a b c a b", NULL,
     "3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 5:0:2:4-5:0:1:0:c | +3:0:3:6-7:0:1:0:a 4:0:4:8-9:0:1:0:b"},
    {{.pre = MADE_SPLIT, .truncation = "{\"direction\":\"Right\",\"max_length\":3,\"strategy\":\"LongestFirst\",\"strid"
     "e\":1}"},
     "a b c a b", NULL,
     "3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 5:0:2:4-5:0:1:0:c | +5:0:2:4-5:0:1:0:c 3:0:3:6-7:0:1:0:a 4:0:4:8-9:0:1:0:b"},
    {{.pre = MADE_SPLIT, .truncation = "{\"direction\":\"Right\",\"max_length\":3,\"strategy\":\"LongestFirst\",\"strid"
     "e\":2}"},
     "a b c a b", NULL,
     "3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 5:0:2:4-5:0:1:0:c | +4:0:1:2-3:0:1:0:b 5:0:2:4-5:0:1:0:c 3:0:3:6-7:0:1:0:a | "
     "+5:0:2:4-5:0:1:0:c 3:0:3:6-7:0:1:0:a 4:0:4:8-9:0:1:0:b"},
    {{.pre = MADE_SPLIT, .truncation = "{\"direction\":\"Left\",\"max_length\":3,\"strategy\":\"LongestFirst\",\"stride"
     "\":1}"},
     "a b c a b", NULL,
     "5:0:2:4-5:0:1:0:c 3:0:3:6-7:0:1:0:a 4:0:4:8-9:0:1:0:b | +3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 5:0:2:4-5:0:1:0:c"},
    {{.pre = MADE_SPLIT, .truncation = "{\"direction\":\"Right\",\"max_length\":0,\"strategy\":\"LongestFirst\",\"strid"
     "e\":0}"},
     "a b", NULL,
     " | +3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b"},
    {{.pre = MADE_SPLIT, .truncation = "{\"direction\":\"Right\",\"max_length\":0,\"strategy\":\"LongestFirst\",\"strid"
     "e\":0}"},
     "a b", "c",
     " | +3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b | +3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 5:1:0:0-1:0:1:0:c | +5:1:0:0-1:0:1"
     ":-:c"},
    {{.pre = MADE_SPLIT, .post = MADE_BERT, .truncation = "{\"direction\":\"Right\",\"max_length\":4,\"strategy\":\"Lon"
     "gestFirst\",\"stride\":1}"},
     "a b c a b", NULL,
     "1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 2:0:-:0-0:1:1:-:[SEP] | +1:0:-:0-0:1:1:-:[CLS] 4:0:1:2-"
     "3:0:1:0:b 5:0:2:4-5:0:1:0:c 2:0:-:0-0:1:1:-:[SEP] | +1:0:-:0-0:1:1:-:[CLS] 5:0:2:4-5:0:1:0:c 3:0:3:6-7:0:1:0:a 2"
     ":0:-:0-0:1:1:-:[SEP] | +1:0:-:0-0:1:1:-:[CLS] 3:0:3:6-7:0:1:0:a 4:0:4:8-9:0:1:0:b 2:0:-:0-0:1:1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .post = MADE_BERT, .truncation = "{\"direction\":\"Right\",\"max_length\":1,\"strategy\":\"Lon"
     "gestFirst\",\"stride\":0}"},
     "a b c a b", NULL,
     "1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 5:0:2:4-5:0:1:0:c 3:0:3:6-7:0:1:0:a 4:0:4:8-9:0:1:0:b 2"
     ":0:-:0-0:1:1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .post = MADE_BERT, .truncation = "{\"direction\":\"Right\",\"max_length\":6,\"strategy\":\"Lon"
     "gestFirst\",\"stride\":0}"},
     "a b c", "a b c a",
     "1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 2:0:-:0-0:1:1:-:[SEP] 3:1:0:0-1:0:1:1:a 4:1:1:2-3:0:1:1:b 2:1:-:0-0:1:1:-"
     ":[SEP] | +1:0:-:0-0:1:1:-:[CLS] 4:0:1:2-3:0:1:0:b 2:0:-:0-0:1:1:-:[SEP] 3:1:0:0-1:0:1:1:a 4:1:1:2-3:0:1:1:b 2:1:"
     "-:0-0:1:1:-:[SEP] | +1:0:-:0-0:1:1:-:[CLS] 4:0:1:2-3:0:1:0:b 2:0:-:0-0:1:1:-:[SEP] 5:1:2:4-5:0:1:1:c 3:1:3:6-7:0"
     ":1:1:a 2:1:-:0-0:1:1:-:[SEP] | +1:0:-:0-0:1:1:-:[CLS] 5:0:2:4-5:0:1:0:c 2:0:-:0-0:1:1:-:[SEP] 3:1:0:0-1:0:1:1:a "
     "4:1:1:2-3:0:1:1:b 2:1:-:0-0:1:1:-:[SEP] | +1:0:-:0-0:1:1:-:[CLS] 5:0:2:4-5:0:1:0:c 2:0:-:0-0:1:1:-:[SEP] 5:1:2:4"
     "-5:0:1:1:c 3:1:3:6-7:0:1:1:a 2:1:-:0-0:1:1:-:[SEP] | +1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 2:0:-:0-0:1:1:-:[S"
     "EP] 5:1:2:4-5:0:1:1:c 3:1:3:6-7:0:1:1:a 2:1:-:0-0:1:1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .post = MADE_BERT, .truncation = "{\"direction\":\"Right\",\"max_length\":7,\"strategy\":\"Lon"
     "gestFirst\",\"stride\":0}"},
     "a", "a b c a b c",
     "1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 2:0:-:0-0:1:1:-:[SEP] 3:1:0:0-1:0:1:1:a 4:1:1:2-3:0:1:1:b 5:1:2:4-5:0:1:1"
     ":c 2:1:-:0-0:1:1:-:[SEP] | +1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 2:0:-:0-0:1:1:-:[SEP] 3:1:3:6-7:0:1:1:a 4:1:"
     "4:8-9:0:1:1:b 5:1:5:10-11:0:1:1:c 2:1:-:0-0:1:1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .post = MADE_BERT, .truncation = "{\"direction\":\"Right\",\"max_length\":7,\"strategy\":\"Lon"
     "gestFirst\",\"stride\":0}"},
     "a b c a b c", "a",
     "1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 5:0:2:4-5:0:1:0:c 2:0:-:0-0:1:1:-:[SEP] 3:1:0:0-1:0:1:1"
     ":a 2:1:-:0-0:1:1:-:[SEP] | +1:0:-:0-0:1:1:-:[CLS] 3:0:3:6-7:0:1:0:a 4:0:4:8-9:0:1:0:b 5:0:5:10-11:0:1:0:c 2:0:-:"
     "0-0:1:1:-:[SEP] 3:1:0:0-1:0:1:1:a 2:1:-:0-0:1:1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .post = TEMPLATE, .truncation = "{\"direction\":\"Right\",\"max_length\":5,\"strategy\":\"Long"
     "estFirst\",\"stride\":0}"},
     "a b c", "a b c a",
     "3:1:0:0-1:0:1:1:a 4:1:1:2-3:0:1:1:b 1:3:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b | +5:1:2:4-5:0:1:1:"
     "c 3:1:3:6-7:0:1:1:a 1:3:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b | +5:1:2:4-5:0:1:1:c 3:1:3:6-7:0:1"
     ":1:a 1:3:-:0-0:1:1:-:[CLS] 5:0:2:4-5:0:1:0:c | +3:1:0:0-1:0:1:1:a 4:1:1:2-3:0:1:1:b 1:3:-:0-0:1:1:-:[CLS] 5:0:2:"
     "4-5:0:1:0:c"},
    {{.pre = MADE_SPLIT, .truncation = "{\"direction\":\"Right\",\"max_length\":4,\"strategy\":\"LongestFirst\",\"strid"
     "e\":0}"},
     "a b c", "a b c a",
     "3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 3:1:0:0-1:0:1:1:a 4:1:1:2-3:0:1:1:b | +5:0:2:4-5:0:1:0:c 3:1:0:0-1:0:1:0:a 4:"
     "1:1:2-3:0:1:0:b | +5:0:2:4-5:0:1:0:c 5:1:2:4-5:0:1:0:c 3:1:3:6-7:0:1:0:a | +3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b "
     "5:1:2:4-5:0:1:-:c 3:1:3:6-7:0:1:-:a"},
    {{.pre = MADE_SPLIT, .post = MADE_BERT, .truncation = "{\"direction\":\"Right\",\"max_length\":6,\"strategy\":\"Onl"
     "yFirst\",\"stride\":0}"},
     "a b c a", "a",
     "1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 2:0:-:0-0:1:1:-:[SEP] 3:1:0:0-1:0:1:1:a 2:1:-:0-0:1:1:-"
     ":[SEP] | +1:0:-:0-0:1:1:-:[CLS] 5:0:2:4-5:0:1:0:c 3:0:3:6-7:0:1:0:a 2:0:-:0-0:1:1:-:[SEP] 3:1:0:0-1:0:1:1:a 2:1:"
     "-:0-0:1:1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .post = MADE_BERT, .truncation = "{\"direction\":\"Right\",\"max_length\":6,\"strategy\":\"Onl"
     "ySecond\",\"stride\":0}"},
     "a", "a b c a",
     "1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 2:0:-:0-0:1:1:-:[SEP] 3:1:0:0-1:0:1:1:a 4:1:1:2-3:0:1:1:b 2:1:-:0-0:1:1:-"
     ":[SEP] | +1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 2:0:-:0-0:1:1:-:[SEP] 5:1:2:4-5:0:1:1:c 3:1:3:6-7:0:1:1:a 2:1:"
     "-:0-0:1:1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .padding = "{\"strategy\":{\"Fixed\":4},\"direction\":\"Right\",\"pad_to_multiple_of\":null,\""
     "pad_id\":7,\"pad_type_id\":3,\"pad_token\":\"<pad>\"}"},
     "a b", NULL,
     "3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 7:3:-:0-0:1:0:0:<pad> 7:3:-:0-0:1:0:0:<pad>"},
    {{.pre = MADE_SPLIT, .post = MADE_BERT, .padding = "{\"strategy\":{\"Fixed\":6},\"direction\":\"Left\",\"pad_to_mul"
     "tiple_of\":null,\"pad_id\":7,\"pad_type_id\":3,\"pad_token\":\"<pad>\"}"},
     "a b", NULL,
     "7:3:-:0-0:1:0:-:<pad> 7:3:-:0-0:1:0:-:<pad> 1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 2:0:-:0-0:1"
     ":1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .padding = "{\"strategy\":\"BatchLongest\",\"direction\":\"Right\",\"pad_to_multiple_of\":4,\""
     "pad_id\":7,\"pad_type_id\":3,\"pad_token\":\"<pad>\"}"},
     "a b", NULL,
     "3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 7:3:-:0-0:1:0:0:<pad> 7:3:-:0-0:1:0:0:<pad>"},
    {{.pre = MADE_SPLIT, .padding = "{\"strategy\":{\"Fixed\":1},\"direction\":\"Right\",\"pad_to_multiple_of\":null,\""
     "pad_id\":7,\"pad_type_id\":3,\"pad_token\":\"<pad>\"}"},
     "a b c", NULL,
     "3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 5:0:2:4-5:0:1:0:c"},
    {{.pre = MADE_SPLIT, .post = MADE_BERT, .truncation = "{\"direction\":\"Right\",\"max_length\":4,\"strategy\":\"Lon"
     "gestFirst\",\"stride\":0}", .padding = "{\"strategy\":{\"Fixed\":5},\"direction\":\"Left\",\"pad_to_multiple_of\""
     ":null,\"pad_id\":7,\"pad_type_id\":3,\"pad_token\":\"<pad>\"}"},
     "a b c", "a",
     "7:3:-:0-0:1:0:-:<pad> 1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 2:0:-:0-0:1:1:-:[SEP] 2:1:-:0-0:1:1:-:[SEP] | +7:3:"
     "-:0-0:1:0:-:<pad> 1:0:-:0-0:1:1:-:[CLS] 4:0:1:2-3:0:1:0:b 2:0:-:0-0:1:1:-:[SEP] 2:1:-:0-0:1:1:-:[SEP] | +1:0:-:0"
     "-0:1:1:-:[CLS] 4:0:1:2-3:0:1:0:b 2:0:-:0-0:1:1:-:[SEP] 3:1:0:0-1:0:1:1:a 2:1:-:0-0:1:1:-:[SEP] | +7:3:-:0-0:1:0:"
     "-:<pad> 1:0:-:0-0:1:1:-:[CLS] 5:0:2:4-5:0:1:0:c 2:0:-:0-0:1:1:-:[SEP] 2:1:-:0-0:1:1:-:[SEP] | +1:0:-:0-0:1:1:-:["
     "CLS] 5:0:2:4-5:0:1:0:c 2:0:-:0-0:1:1:-:[SEP] 3:1:0:0-1:0:1:1:a 2:1:-:0-0:1:1:-:[SEP] | +1:0:-:0-0:1:1:-:[CLS] 3:"
     "0:0:0-1:0:1:0:a 2:0:-:0-0:1:1:-:[SEP] 3:1:0:0-1:0:1:1:a 2:1:-:0-0:1:1:-:[SEP]"},
    {{.pre = MADE_SPLIT, .post = MADE_BERT, .truncation = "{\"direction\":\"Right\",\"max_length\":4,\"strategy\":\"Lon"
     "gestFirst\",\"stride\":0}", .padding = "{\"strategy\":{\"Fixed\":5},\"direction\":\"Right\",\"pad_to_multiple_of"
     "\":null,\"pad_id\":7,\"pad_type_id\":3,\"pad_token\":\"<pad>\"}"},
     "a b c", NULL,
     "1:0:-:0-0:1:1:-:[CLS] 3:0:0:0-1:0:1:0:a 4:0:1:2-3:0:1:0:b 2:0:-:0-0:1:1:-:[SEP] 7:3:-:0-0:1:0:-:<pad> | +1:0:-:0-"
     "0:1:1:-:[CLS] 5:0:2:4-5:0:1:0:c 2:0:-:0-0:1:1:-:[SEP] 7:3:-:0-0:1:0:-:<pad> 7:3:-:0-0:1:0:-:<pad>"},
    {{.pre = MADE_SPLIT, .added = "[{\"id\":13,\"content\":\"<m>\",\"single_word\":false,\"lstrip\":true,\"rstrip\":fal"
     "se,\"normalized\":false,\"special\":true}]"},
     "a  <m> b", NULL,
     "3:0:0:0-1:0:1:0:a 13:0:1:1-6:0:1:0:  <m> 4:0:2:7-8:0:1:0:b"},
    {{.pre = MADE_SPLIT, .added = "[{\"id\":13,\"content\":\"<m>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":tr"
     "ue,\"normalized\":false,\"special\":true}]"},
     "a <m>  b", NULL,
     "3:0:0:0-1:0:1:0:a 13:0:1:2-7:0:1:0:<m>   4:0:2:7-8:0:1:0:b"},
    {{.pre = MADE_SPLIT, .added = "[{\"id\":13,\"content\":\"<m>\",\"single_word\":false,\"lstrip\":true,\"rstrip\":tru"
     "e,\"normalized\":false,\"special\":true}]"},
     " <m> \n<m> ", NULL,
     "13:0:0:0-6:0:1:0: <m> \n 13:0:1:6-10:0:1:0:<m> "},
    {{.pre = MADE_SPLIT, .added = "[{\"id\":13,\"content\":\"cat\",\"single_word\":true,\"lstrip\":false,\"rstrip\":fal"
     "se,\"normalized\":false,\"special\":true}]"},
     "cat cats the.cat xcat", NULL,
     "9:0:0:0-3:0:1:0:cat 9:0:1:4-7:0:1:0:cat 10:0:1:7-8:0:1:0:##s 0:0:2:9-13:0:1:0:[UNK] 9:0:3:13-16:0:1:0:cat 0:0:4:1"
     "7-21:0:1:0:[UNK]"},
    {{.pre = MADE_SPLIT, .added = "[{\"id\":13,\"content\":\"<a>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":fa"
     "lse,\"normalized\":false,\"special\":true},{\"id\":14,\"content\":\"<a>b\",\"single_word\":false,\"lstrip\":fals"
     "e,\"rstrip\":false,\"normalized\":false,\"special\":true}]"},
     "<a>b<a><a>c", NULL,
     "14:0:0:0-4:0:1:0:<a>b 13:0:1:4-7:0:1:0:<a> 13:0:2:7-10:0:1:0:<a> 5:0:3:10-11:0:1:0:c"},
    {{.pre = MADE_SPLIT, .normalizer = "{\"type\":\"Lowercase\"}", .added = "[{\"id\":13,\"content\":\"THE\",\"single_w"
     "ord\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":true,\"special\":false}]"},
     "a The tHe THEM", NULL,
     "3:0:0:0-1:0:1:0:a 13:0:1:2-5:0:1:0:the 13:0:2:6-9:0:1:0:the 13:0:3:10-13:0:1:0:the 0:0:4:13-14:0:1:0:[UNK]"},
    {{.pre = MADE_SPLIT, .normalizer = "{\"type\":\"Lowercase\"}", .added = "[{\"id\":13,\"content\":\"THE\",\"single_w"
     "ord\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":false}]"},
     "a The THE", NULL,
     "3:0:0:0-1:0:1:0:a 8:0:1:2-5:0:1:0:the 13:0:2:6-9:0:1:0:THE"},
    {{.pre = MADE_SPLIT, .normalizer = "{\"type\":\"NFC\"}"},
     "\xc3\xa9 e\xcc\x81 a", NULL,
     "12:0:0:0-1:0:1:0:\xc3\xa9 12:0:1:2-3:0:1:0:\xc3\xa9 3:0:2:5-6:0:1:0:a"},
    {{.normalizer = "{\"type\":\"Prepend\",\"prepend\":\"\xe2\x96\x81\"}", .model = UNIGRAM},
     "axxb", NULL,
     "3:0:0:0-1:0:1:0:\xe2\x96\x81""a 0:0:0:1-3:0:1:0:xx 2:0:0:3-4:0:1:0:b"},
    {{.pre = "{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_scheme\":\"first\",\"split\":true}",
      .model = UNIGRAM, .added = ""
     "[{\"id\":4,\"content\":\"<s>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"sp"
     "ecial\":true}]"},
     "a<s>a \xc3\xa9 \xc3\xa9", NULL,
     "3:0:0:0-1:0:1:0:\xe2\x96\x81""a 4:0:1:1-4:0:1:0:<s> 1:0:2:4-5:0:1:0:a 0:0:3:5-7:0:1:0:\xe2\x96\x81\xc3\xa9 0:0:4:"
     "7-9:0:1:0:\xe2\x96\x81\xc3\xa9"},
    {{.pre = MADE_SPLIT, .added = "[{\"id\":13,\"content\":\"  \",\"single_word\":true,\"lstrip\":true,\"rstrip\":true,"
     "\"normalized\":false,\"special\":true}]"},
     "\n\t    ", NULL,
     "13:0:0:0-6:0:1:0:\n\t    "},
};

/* Encodes the pieces of a text so often that pieces are kept from then on. */
static void warm_up(fh_encoder *encoder, fh_span text) {
    fh_buf b;
    fh_ids ids;
    fh_buf_init(&b, fh_heap(), 0);
    fh_ids_init(&ids, fh_heap(), 0);
    do {
        fh_assert_ok(fh_buf_put(&b, text));
        fh_assert_ok(fh_buf_put(&b, FH_LIT(" a ")));
    } while (b.size < 12288);
    for (int again = 0; again < 2; again++)
        fh_assert_ok(fh_encoder_ids(encoder, fh_buf_view(&b), (fh_encode_options){.parse_special = true}, &ids, NULL));
    fh_ids_deinit(&ids);
    fh_buf_deinit(&b);
}

static void test_cases(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_buf got;
    fh_buf_init(&got, a, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fh_tokenizer *tok = made_load(a, &cases[i].parts);
        fh_encoder *encoder;
        fh_encoding e;
        fh_encoding_init(&e, a);
        fh_assert_ok(fh_encoder_new(a, tok, &encoder));
        fh_encode_input in = {.text = fh_span_of_str(cases[i].text), .pair = fh_span_of_str(cases[i].pair),
                              .has_pair = cases[i].pair != NULL};
        fh_encode_options o = {.add_special = true, .parse_special = true, .offsets = FH_OFFSETS_CODE_POINTS};
        for (size_t again = 0; again < 4; again++) { /* the last two times among many pieces that were met before */
            if (again == 2)
                warm_up(encoder, in.text);
            fh_encoding_clear(&e);
            fh_buf_truncate(&got, 0);
            fh_assert_ok(fh_encoder_encode(encoder, &in, o, &e, NULL));
            made_render(tok, &e, &got);
            fh_assert_span(fh_buf_view(&got), cases[i].expected);
        }
        /* without offsets the ids are the same */
        size_t count = fh_encoding_count(&e);
        o.offsets = FH_OFFSETS_NONE;
        fh_assert_ok(fh_encoder_encode(encoder, &in, o, &e, NULL));
        assert_int_equal(fh_encoding_count(&e), 2 * count);
        for (size_t k = 0; k < count; k++)
            assert_int_equal(fh_u32s_get(fh_encoding_column(&e, FH_COLUMN_ID), k),
                             fh_u32s_get(fh_encoding_column(&e, FH_COLUMN_ID), count + k));
        fh_encoder_free(encoder);
        fh_tokenizer_free(tok);
        fh_encoding_deinit(&e);
    }
    fh_buf_deinit(&got);
}

/* A text that is refused leaves the encoding as it was. */
static void refuse(void **state, made_parts parts, fh_encode_input in, fh_code code, const char *part) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &parts);
    fh_encoder *encoder;
    fh_encoding e;
    fh_err err = {0};
    fh_encoding_init(&e, a);
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    fh_encode_options o = {.add_special = true, .offsets = FH_OFFSETS_BYTES};
    fh_assert_code(fh_encoder_encode(encoder, &in, o, &e, &err), code);
    fh_assert_err(&err, code, part);
    assert_int_equal(fh_encoding_count(&e), 0);
    assert_int_equal(fh_encoding_part_count(&e), 0);
    fh_encoder_free(encoder);
    fh_tokenizer_free(tok);
    fh_encoding_deinit(&e);
}

#define TRUNCATION(max, stride, strategy)                                                                     \
    "{\"direction\":\"Right\",\"max_length\":" #max ",\"strategy\":\"" strategy "\",\"stride\":" #stride "}"

#define MANY "$A $A $A $A $A $A $A $A $A $A $A $A $A $A $A $A $A $A $A $A $A $A $A $A"
#define REPEAT(single) \
    "{\"type\":\"TemplateProcessing\",\"single\":\"" single "\",\"pair\":\"$A $B\",\"special_tokens\":{}}"

static void test_refused(void **state) {
    fh_encode_input one = {.text = FH_LIT("a b c a")}, two = {.text = FH_LIT("a"), .pair = FH_LIT("b c a b"), .has_pair = true};
    made_parts p = {.pre = MADE_SPLIT, .post = MADE_BERT, .truncation = TRUNCATION(4, 2, "LongestFirst")};
    refuse(state, p, one, FH_INVALID, "stride of 2, expected less than the 2 tokens");
    p.truncation = TRUNCATION(4, 0, "OnlySecond");
    refuse(state, p, one, FH_INVALID, "second text, but there is none");
    p.truncation = TRUNCATION(4, 0, "OnlyFirst");
    refuse(state, p, two, FH_INVALID, "none would remain");
    refuse(state, (made_parts){0}, (fh_encode_input){.text = FH_LIT("a\xff")}, FH_INVALID, "not UTF-8");
    p = (made_parts){.model = "{\"type\":\"WordLevel\",\"unk_token\":\"none\",\"vocab\":{\"a\":0}}"};
    refuse(state, p, (fh_encode_input){.text = FH_LIT("b")}, FH_NOT_FOUND, "unknown token");
    p = (made_parts){.post = "{\"type\":\"TemplateProcessing\",\"single\":\"$B\",\"pair\":\"$A $B\",\"special_tokens\":{}}"};
    refuse(state, p, (fh_encode_input){.text = FH_LIT("a")}, FH_INVALID, "second text, but there is none");
}

/* Overflow multiplies: each of a text with each of the next one, and with a stride each token is in many. What becomes of one
 * input has a limit, and so has the memory for it; what grows with the text alone has none. */
static void test_too_much(void **state) {
    fh_trace *trace = fh_test_trace(state);
    fh_allocator *a = fh_trace_allocator(trace);
    static const struct {
        made_parts parts;
        size_t tokens, windows; /* 0: refused */
    } inputs[] = {
        {{.truncation = TRUNCATION(1, 0, "LongestFirst"), .post = REPEAT("$A $A $A $A $A $A $A $A")}, 10, 0},
        {{.truncation = TRUNCATION(1, 0, "LongestFirst"), .post = REPEAT("$A $A $A")}, 10, 1000},
        {{.truncation = TRUNCATION(8192, 8191, "LongestFirst")}, 16384, 0},
        {{.truncation = TRUNCATION(64, 63, "LongestFirst")}, 16384, 16321},
        {{.truncation = TRUNCATION(3, 0, "LongestFirst"), .post = MADE_BERT}, 1 << 17, 1 << 17},
        {{.post = REPEAT(MANY " " MANY " " MANY)}, 1 << 18, 0},
        {{.post = REPEAT(MANY " " MANY " " MANY)}, 1 << 14, 1},
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        made_parts p = inputs[i].parts;
        fh_encoder *encoder;
        fh_encoding e;
        fh_ids ids;
        fh_buf text;
        fh_err err = {0};
        p.pre = MADE_SPLIT;
        fh_tokenizer *tok = made_load(a, &p);
        fh_buf_init(&text, fh_heap(), 0);
        fh_encoding_init(&e, a);
        fh_ids_init(&ids, a, 0);
        fh_assert_ok(fh_encoder_new(a, tok, &encoder));
        for (size_t k = 0; k < inputs[i].tokens; k++)
            fh_assert_ok(fh_buf_put(&text, FH_LIT("a ")));
        fh_encode_input in = {.text = fh_buf_view(&text)};
        fh_encode_options o = {.add_special = true, .offsets = FH_OFFSETS_BYTES};
        fh_trace_budget(trace, inputs[i].windows != 0 ? 0 : UINT64_C(160) << 20);
        fh_status s = fh_encoder_encode(encoder, &in, o, &e, &err);
        assert_int_equal(s.code, inputs[i].windows != 0 ? FH_OK : FH_LIMIT);
        assert_int_equal(fh_encoding_part_count(&e), inputs[i].windows);
        if (inputs[i].windows == 0)
            fh_assert_err(&err, FH_LIMIT, "make more than ");
        if (inputs[i].parts.truncation == NULL)
            fh_assert_code(fh_encoder_ids(encoder, in.text, o, &ids, NULL), s.code);
        fh_trace_budget(trace, 0);
        fh_encoder_free(encoder);
        fh_tokenizer_free(tok);
        fh_encoding_deinit(&e);
        fh_ids_deinit(&ids);
        fh_buf_deinit(&text);
    }
}

/* A template that has a special token often, whose text is long: it is kept once. */
static void test_long_special(void **state) {
    fh_trace *trace = fh_test_trace(state);
    fh_allocator *a = fh_trace_allocator(trace);
    fh_encoder *encoder;
    fh_encoding e;
    fh_buf post;
    fh_buf_init(&post, fh_heap(), 0);
    fh_encoding_init(&e, a);
    fh_assert_ok(fh_buf_put(&post, FH_LIT("{\"type\":\"TemplateProcessing\",\"single\":\"$A")));
    for (size_t i = 0; i < 1000; i++)
        fh_assert_ok(fh_buf_put(&post, i % 2 == 0 ? FH_LIT(" x") : FH_LIT(" y")));
    fh_assert_ok(fh_buf_put(&post, FH_LIT("\",\"special_tokens\":{\"x\":{\"ids\":[1],\"tokens\":[\"")));
    for (size_t i = 0; i < 1 << 16; i++)
        fh_assert_ok(fh_buf_put_u8(&post, 'x'));
    fh_assert_ok(fh_buf_put(&post, FH_LIT("\"]},\"y\":{\"ids\":[2],\"tokens\":[\"\"]}}}\0")));
    fh_tokenizer *tok = made_load(a, &(made_parts){.post = (const char *)fh_buf_view(&post).at});
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    fh_trace_budget(trace, fh_trace_stats(trace).live_bytes + (1 << 20));
    fh_encode_options o = {.add_special = true};
    fh_assert_ok(fh_encoder_encode(encoder, &(fh_encode_input){.text = FH_LIT("a")}, o, &e, NULL));
    fh_trace_budget(trace, 0);
    assert_int_equal(fh_encoding_count(&e), 1001);
    for (size_t i = 1; i <= 1000; i++) {
        uint32_t own = fh_u32s_get(fh_encoding_column(&e, FH_COLUMN_SPELLING), i);
        assert_int_equal(fh_encoding_kept(&e, own).size, i % 2 == 1 ? 1 << 16 : 0);
    }
    fh_encoder_free(encoder);
    fh_tokenizer_free(tok);
    fh_encoding_deinit(&e);
    fh_buf_deinit(&post);
}

/* Words that were cut before: offsets in the word, numbered by the list. */
static void test_split(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &(made_parts){.pre = MADE_SPLIT, .post = MADE_BERT});
    fh_encoder *encoder;
    fh_encoding e;
    fh_buf got;
    fh_buf_init(&got, a, 0);
    fh_encoding_init(&e, a);
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    fh_span words[] = {FH_LIT("cats"), FH_LIT(""), FH_LIT("the a")};
    fh_encode_input in = {.words = {words, 3}, .split = true};
    fh_encode_options o = {.add_special = true, .offsets = FH_OFFSETS_BYTES};
    fh_assert_ok(fh_encoder_encode(encoder, &in, o, &e, NULL));
    made_render(tok, &e, &got);
    fh_assert_span(fh_buf_view(&got), "1:0:-:0-0:1:1:-:[CLS] 9:0:0:0-3:0:1:0:cat 10:0:0:3-4:0:1:0:##s 8:0:2:0-3:0:1:0:the "
                                      "3:0:2:4-5:0:1:0:a 2:0:-:0-0:1:1:-:[SEP]");
    fh_encoder_free(encoder);
    fh_tokenizer_free(tok);
    fh_encoding_deinit(&e);
    fh_buf_deinit(&got);
}

/* Bytes that are not UTF-8 are U+FFFD where only ids are wanted. */
static void put_letters(fh_buf *b, const char *bytes) {
    for (; *bytes != '\0'; bytes++) {
        uint8_t utf8[4];
        size_t size = fh_utf8_put(fh_alphabet_code((uint8_t)*bytes), utf8);
        fh_assert_ok(fh_buf_put(b, *bytes == '"' || *bytes == '\\' ? FH_LIT("\\") : FH_LIT("")));
        fh_assert_ok(fh_buf_put(b, (fh_span){utf8, size}));
    }
}

/* A byte-level model that knows all bytes, and what these pairs make. */
static void put_byte_model(fh_buf *b) {
    static const char *const pairs[][2] = {{"a", "a"}, {"aa", "aa"}, {"\xe3", "\x81"}, {"\xe3\x81", "\x82"}, {"\x97", "\xa5"},
                                           {"\xe3\x81\x82", "\xe3\x81\x82"}, {"\xe3\x81\x82\xe3\x81\x82", "\xe3"}};
    fh_assert_ok(fh_buf_put(b, FH_LIT("{\"type\":\"BPE\",\"vocab\":{\"\\u0100\":0")));
    for (unsigned byte = 1; byte < 256; byte++) {
        fh_assert_ok(fh_buf_put(b, FH_LIT(",\"")));
        put_letters(b, (const char[]){(char)byte, '\0'});
        fh_assert_ok(fh_buf_format(b, "\":%u", byte));
    }
    for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        fh_assert_ok(fh_buf_put(b, FH_LIT(",\"")));
        put_letters(b, pairs[i][0]);
        put_letters(b, pairs[i][1]);
        fh_assert_ok(fh_buf_format(b, "\":%u", 256 + i));
    }
    fh_assert_ok(fh_buf_put(b, FH_LIT("},\"merges\":[")));
    for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        fh_assert_ok(fh_buf_put(b, i == 0 ? FH_LIT("\"") : FH_LIT(",\"")));
        put_letters(b, pairs[i][0]);
        fh_assert_ok(fh_buf_put(b, FH_LIT(" ")));
        put_letters(b, pairs[i][1]);
        fh_assert_ok(fh_buf_put(b, FH_LIT("\"")));
    }
    fh_assert_ok(fh_buf_put(b, FH_LIT("]}\0")));
}

static uint32_t code_points(fh_span text, uint32_t end) {
    uint32_t count = 0;
    for (size_t i = 0; i < end; i++)
        count += (fh_span_at(text, i) & 0xc0) != 0x80;
    return count;
}

/* Tokens of a text of any characters lie in whole characters, cover it, and are as many code points as their bytes say, however
 * long they are and wherever the text ends. */
static void test_places(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_test_rng rng = fh_test_rng_new(8);
    fh_buf model;
    fh_buf_init(&model, a, 0);
    put_byte_model(&model);
    fh_tokenizer *tok = made_load(a, &(made_parts){.model = (const char *)fh_buf_view(&model).at, .pre = BYTE_LEVEL_0,
                                                   .added = "[{\"id\":263,\"content\":\"<m>\"}]"});
    fh_buf_deinit(&model);
    fh_encoder *encoder;
    fh_encoding e[2];
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    warm_up(encoder, FH_LIT("aaa \xe3\x81\x82\xe3\x81\x82"));
    for (size_t round = 0; round < 400; round++) {
        static const char *const some[] = {"a", " ", "aa aaaa", "\xc3\xa9", "\xe3\x81\x82", "\xe6\x97\xa5", "\xf0\x9f\x98\x80",
                                           "<m>"};
        uint8_t text[1024];
        size_t size = 0, most = 1 + fh_test_rng_below(&rng, round % 4 == 0 ? 300 : 30), kinds = 1 + round % 8;
        for (size_t i = 0; i < most && size < 1000; i++) {
            const char *s = some[fh_test_rng_below(&rng, kinds)];
            memcpy(text + size, s, strlen(s));
            size += strlen(s);
        }
        fh_encode_input in = {.text = {text, size}};
        for (uint32_t codes = 0; codes < 2; codes++) {
            fh_encode_options o = {.offsets = codes != 0 ? FH_OFFSETS_CODE_POINTS : FH_OFFSETS_BYTES};
            fh_encoding_init(e + codes, a);
            fh_assert_ok(fh_encoder_encode(encoder, &in, o, e + codes, NULL));
        }
        uint32_t covered = 0;
        assert_int_equal(fh_encoding_count(e), fh_encoding_count(e + 1));
        for (size_t i = 0; i < fh_encoding_count(e); i++) {
            uint32_t begin = fh_u32s_get(fh_encoding_column(e, FH_COLUMN_BEGIN), i);
            uint32_t end = fh_u32s_get(fh_encoding_column(e, FH_COLUMN_END), i);
            assert_true(begin <= covered && covered <= end && begin < end && (text[begin] & 0xc0) != 0x80);
            assert_true(end == size || (text[end] & 0xc0) != 0x80);
            assert_int_equal(fh_u32s_get(fh_encoding_column(e + 1, FH_COLUMN_BEGIN), i), code_points(in.text, begin));
            assert_int_equal(fh_u32s_get(fh_encoding_column(e + 1, FH_COLUMN_END), i), code_points(in.text, end));
            covered = end;
        }
        assert_int_equal(covered, size);
        fh_encoding_deinit(e);
        fh_encoding_deinit(e + 1);
    }
    fh_encoder_free(encoder);
    fh_tokenizer_free(tok);
}

static void test_bytes(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &(made_parts){.pre = MADE_SPLIT});
    fh_ids ids;
    fh_ids_init(&ids, a, 0);
    fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("a \xff \xc3 b"), (fh_encode_options){0}, &ids, NULL));
    const uint32_t expected[] = {3, 0, 0, 4};
    assert_int_equal(ids.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(fh_u32s_get(ids.items, i), expected[i]);
    fh_ids_deinit(&ids);
    fh_tokenizer_free(tok);
}

/* Special tokens stay text unless the caller wants them. */
static void test_special(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    made_parts p = {.pre = MADE_SPLIT, .added = "[{\"id\":2,\"content\":\"[SEP]\",\"special\":true},"
                                                "{\"id\":13,\"content\":\"<u>\"}]"};
    fh_tokenizer *tok = made_load(a, &p);
    fh_ids ids;
    fh_ids_init(&ids, a, 0);
    fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("a [SEP] <u>"), (fh_encode_options){0}, &ids, NULL));
    fh_assert_ok(fh_tokenizer_encode(tok, FH_LIT("a [SEP]x<u>"), (fh_encode_options){.parse_special = true}, &ids, NULL));
    const uint32_t expected[] = {3, 2, 13, 3, 2, 0, 13}; /* "[SEP]" alone is a word of the vocabulary */
    assert_int_equal(ids.count, 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(fh_u32s_get(ids.items, i), expected[i]);
    fh_ids_deinit(&ids);
    fh_tokenizer_free(tok);
}

static void test_count(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_tokenizer *tok = made_load(a, &(made_parts){.pre = MADE_SPLIT, .post = MADE_BERT});
    fh_encoder *encoder;
    size_t count;
    bool fits;
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    fh_encode_options o = {.add_special = true};
    fh_assert_ok(fh_encoder_count(encoder, FH_LIT("a b c"), o, 5, &count, &fits, NULL));
    assert_true(fits && count == 5);
    fh_assert_ok(fh_encoder_count(encoder, FH_LIT("a b c"), o, 4, &count, &fits, NULL));
    assert_true(!fits && count == 5);
    fh_buf b;
    fh_buf_init(&b, a, 0);
    for (size_t i = 0; i < 100000; i++)
        fh_assert_ok(fh_buf_put(&b, FH_LIT("a ")));
    fh_assert_ok(fh_encoder_count(encoder, fh_buf_view(&b), o, 10, &count, &fits, NULL));
    assert_true(!fits && count < 20); /* it stopped */
    fh_buf_deinit(&b);
    fh_encoder_free(encoder);
    fh_tokenizer_free(tok);
}

/* Tokens of white space that swallow the white space behind them end where it ends, and each shows what is left of it: the
 * texts of n of them have n^2 bytes, which take neither the time nor the memory for as many. Between any two stands one that
 * swallows nothing. */
typedef struct blanks {
    made_parts parts;
    size_t size;
    uint32_t plain; /* what stands between */
    bool trims;     /* offsets */
    bool windows;   /* each part has two tokens, of which the part before has the first one */
} blanks;

static void check_blank(const blanks *b, const fh_encoding *e, size_t at, size_t k) {
    size_t last = b->size + 1, end = k == 0 ? 1 : k % 2 == 1 ? last : k + 1, begin = b->trims && k != 0 ? end : k;
    uint32_t own = fh_u32s_get(fh_encoding_column(e, FH_COLUMN_SPELLING), at);
    assert_int_equal(fh_u32s_get(fh_encoding_column(e, FH_COLUMN_ID), at), k == 0 ? 12 : k % 2 == 1 ? 13 : b->plain);
    assert_int_equal(fh_u32s_get(fh_encoding_column(e, FH_COLUMN_BEGIN), at), begin);
    assert_int_equal(fh_u32s_get(fh_encoding_column(e, FH_COLUMN_END), at), end);
    if (k % 2 == 1)
        assert_int_equal(fh_encoding_kept(e, own).size, last - k);
}

static void check_all_blanks(const blanks *b, const fh_encoding *e) {
    assert_int_equal(fh_encoding_count(e), b->windows ? 2 * b->size : b->size + 1);
    assert_int_equal(fh_encoding_part_count(e), b->windows ? b->size : 1);
    for (size_t p = 0; p < fh_encoding_part_count(e); p++) {
        fh_encoding_part part = fh_encoding_part_at(e, p);
        for (size_t i = 0; i < part.count; i++)
            check_blank(b, e, part.from + i, b->windows ? p + i : i);
    }
}

static void run_blanks(fh_trace *trace, const blanks *b) {
    fh_allocator *a = fh_trace_allocator(trace);
    fh_tokenizer *tok = made_load(a, &b->parts);
    fh_encoder *encoder;
    fh_encoding e, again;
    fh_buf text;
    fh_buf_init(&text, a, 0);
    fh_encoding_init(&e, a);
    fh_encoding_init(&again, a);
    fh_assert_ok(fh_encoder_new(a, tok, &encoder));
    fh_assert_ok(fh_buf_put(&text, FH_LIT("\xc3\xa9")));
    for (size_t i = 0; i < b->size; i++)
        fh_assert_ok(fh_buf_put_u8(&text, i % 2 == 0 ? '\n' : b->plain == 3 ? 'a' : '\t'));
    fh_encode_options o = {.add_special = true, .offsets = FH_OFFSETS_CODE_POINTS};
    fh_trace_budget(trace, 1024 * b->size);
    fh_assert_ok(fh_encoder_encode(encoder, &(fh_encode_input){.text = fh_buf_view(&text)}, o, &e, NULL));
    check_all_blanks(b, &e);
    if (!b->trims) { /* the same tokens, given */
        fh_assert_ok(fh_encoder_encode(encoder, &(fh_encode_input){.tokens = &e}, o, &again, NULL));
        check_all_blanks(b, &again);
    }
    fh_trace_budget(trace, 0);
    fh_encoder_free(encoder);
    fh_tokenizer_free(tok);
    fh_encoding_deinit(&e);
    fh_encoding_deinit(&again);
    fh_buf_deinit(&text);
}

static void test_blanks(void **state) {
    static const char raw[] = "[{\"id\":13,\"content\":\"\\n\",\"rstrip\":true,\"normalized\":false},"
                              "{\"id\":14,\"content\":\"\\t\",\"normalized\":false}]";
    static const char normal[] = "[{\"id\":13,\"content\":\"\\n\",\"rstrip\":true},{\"id\":3,\"content\":\"a\"}]";
    static const blanks all[] = {
        {{.added = raw}, 1 << 20, 14, false, false},
        {{.added = raw, .padding = "{\"strategy\":\"BatchLongest\"}"}, 1 << 18, 14, false, false},
        {{.added = normal, .normalizer = "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"\\t\"}"},
         1 << 20, 3, false, false}, /* a tab is shown for token 3 */
        {{.added = raw, .post = BYTE_LEVEL_0}, 1 << 20, 14, true, false},
        {{.added = raw, .post = BYTE_LEVEL_0, .truncation = TRUNCATION(2, 1, "LongestFirst")}, 1 << 16, 14, true, true},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        run_blanks(fh_test_trace(state), &all[i]);
}

static fh_status encode_body(fh_allocator *a, void *arg) {
    fh_tokenizer *tok = arg;
    fh_encoder *encoder = NULL;
    fh_encoding e;
    fh_encoding_init(&e, a);
    fh_status s = fh_encoder_new(a, tok, &encoder);
    fh_encode_input in = {.text = FH_LIT("a the cats xyz e\xcc\x81"), .pair = FH_LIT("cat <m>"), .has_pair = true};
    fh_encode_options o = {.add_special = true, .parse_special = true, .offsets = FH_OFFSETS_CODE_POINTS};
    if (s.code == FH_OK)
        s = fh_encoder_encode(encoder, &in, o, &e, NULL);
    assert_true(s.code == FH_OK || fh_encoding_count(&e) == 0);
    fh_encoder_free(encoder);
    fh_encoding_deinit(&e);
    return s;
}

static void test_no_memory(void **state) {
    made_parts p = {.normalizer = "{\"type\":\"NFC\"}", .pre = MADE_SPLIT, .post = MADE_BERT,
                    .truncation = TRUNCATION(6, 0, "LongestFirst"),
                    .added = "[{\"id\":13,\"content\":\"<m>\",\"lstrip\":true}]",
                    .padding = "{\"strategy\":{\"Fixed\":9},\"direction\":\"Left\"}"};
    fh_tokenizer *tok = made_load(fh_heap(), &p);
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), encode_body, tok) > 10);
    fh_tokenizer_free(tok);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_cases), FH_TEST_ALLOC(test_refused),  FH_TEST_ALLOC(test_split),
                                       FH_TEST_ALLOC(test_bytes), FH_TEST_ALLOC(test_special),  FH_TEST_ALLOC(test_count),
                                       FH_TEST_ALLOC(test_places), FH_TEST_ALLOC(test_blanks),  FH_TEST_ALLOC(test_no_memory),
                                       FH_TEST_ALLOC(test_too_much), FH_TEST_ALLOC(test_long_special)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
