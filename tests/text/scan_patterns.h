/* scan_patterns.h: the expressions that have scanners, for tests and benchmarks. Threading: constants. */
#ifndef FH_TESTS_SCAN_PATTERNS_H
#define FH_TESTS_SCAN_PATTERNS_H

#include "text/pipe/scan.h"

static const char *const scan_names[FH_SCAN_COUNT] = {
    [FH_SCAN_GPT2] = "GPT-2",         [FH_SCAN_LLAMA3] = "Llama 3",     [FH_SCAN_QWEN2] = "Qwen 2",
    [FH_SCAN_QWEN35] = "Qwen 3.5",    [FH_SCAN_O200K] = "o200k",        [FH_SCAN_TEKKEN] = "Tekken",
    [FH_SCAN_DIGITS3] = "DeepSeek 1", [FH_SCAN_KANA_HAN] = "DeepSeek 2", [FH_SCAN_DEEPSEEK_WORDS] = "DeepSeek 3",
    [FH_SCAN_DEEPSEEK3] = "DeepSeek"};

/* DEEPSEEK3 has no expression of its own. */
static const char *const scan_patterns[FH_SCAN_COUNT] = {
    [FH_SCAN_GPT2] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
    [FH_SCAN_LLAMA3] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
                       "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [FH_SCAN_QWEN2] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
                      "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [FH_SCAN_QWEN35] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}|"
                       " ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [FH_SCAN_O200K] = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
                      "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
                      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
                      "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
                      "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [FH_SCAN_TEKKEN] = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|"
                       "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|"
                       "\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    [FH_SCAN_DIGITS3] = "\\p{N}{1,3}",
    [FH_SCAN_KANA_HAN] = "[\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f\xe3\x82\xa0-\xe3\x83\xbf]+",
    [FH_SCAN_DEEPSEEK_WORDS] = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|"
                               "[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|"
                               "\\s*[\r\n]+|\\s+(?!\\S)|\\s+"};

#endif
