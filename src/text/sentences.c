/* sentences.c: where sentences begin and end (sentences.h), word by word.
 *
 * Invariant: `word` is what comes next: no white space in it, and none of it in a sentence that was given.
 * Threading: values. */
#include "freehold/sentences.h"

#include "freehold/utf8.h"

/* The next word, or an empty range. */
static void advance(fh_mut fh_sentences *s) {
    if (!fh_split_next(&s->split, &s->word))
        s->word = (fh_range){s->split.text.size, s->split.text.size};
}

fh_sentences fh_sentences_begin(fh_span text) {
    fh_sentences s = {.split = fh_split_begin(text)};
    advance(&s);
    return s;
}

/* Signs that may stand behind the end of a sentence and belong to it. */
static bool closes(uint32_t code) {
    switch (code) {
    case '"': case '\'': case ')': case ']': case '}': case '*': case '_':
    case 0x00bb: case 0x2019: case 0x201d: case 0x203a: case 0x300d: case 0x300f: case 0x3011: case 0xff09:
        return true;
    default:
        return false;
    }
}

static bool ends_wide(uint32_t code) {
    return code == 0x3002 || code == 0xff01 || code == 0xff1f;
}

/* Where the first sentence ends in a word that needs no white space for that; word.size if it does not end there. Signs that
 * close stay with it, and further ends. An end beyond FH_SENTENCE_MAX is not looked for: whatever is found there says so. */
static size_t wide_end(fh_span word) {
    bool ended = false;
    size_t near = word.size > FH_SENTENCE_MAX ? FH_SENTENCE_MAX + 1 : word.size, at = 0;
    while (at < near) {
        fh_rune r = fh_utf8_next(word, at);
        if (ended && !ends_wide(r.code) && !closes(r.code))
            return at;
        ended = ended || ends_wide(r.code);
        at += r.size;
    }
    return at;
}

/* The word without signs that close at its end. A sign has up to three bytes. */
static fh_span without_closing(fh_span word) {
    for (size_t size = 1; size <= 3 && size <= word.size;) {
        fh_rune r = fh_utf8_next(word, word.size - size);
        bool found = r.valid && r.size == size && closes(r.code);
        word = fh_span_sub(word, 0, found ? word.size - size : word.size);
        size = found ? 1 : size + 1;
    }
    return word;
}

/* True for words behind whose full stop a sentence goes on. */
static bool is_short_form(fh_span word) {
    static const char *const titles[] = {"Mr.", "Mrs.", "Ms.", "Dr.", "Prof.", "St."};
    size_t open = word.size != 0 && (fh_span_at(word, 0) == '(' || fh_span_at(word, 0) == '"') ? 1 : 0;
    word = fh_span_from(word, open);
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (fh_span_is(word, titles[i]))
            return true;
    return word.size == 2 && fh_span_at(word, 0) >= 'A' && fh_span_at(word, 0) <= 'Z' && fh_span_at(word, 1) == '.';
}

/* True if a sentence ends behind `word` when `next` comes. */
static bool ends(fh_span word, fh_span next) {
    fh_span core = without_closing(word);
    uint8_t last = core.size != 0 ? fh_span_at(core, core.size - 1) : 0;
    bool cut_off = core.size >= 3 && fh_span_equal(fh_span_from(core, core.size - 3), FH_LIT("\xe2\x80\xa6"));
    if (last != '.' && last != '!' && last != '?' && !cut_off)
        return core.size >= 3 && ends_wide(fh_utf8_next(core, core.size - 3).code);
    bool goes_on = fh_span_at(next, 0) >= 'a' && fh_span_at(next, 0) <= 'z';
    return !goes_on && !(last == '.' && core.size == word.size && is_short_form(core));
}

/* True if what stands between two words ends a sentence: a line of nothing but white space, or a line that begins with a mark
 * before `next`. */
static bool parts(fh_span gap, fh_span next) {
    size_t lines = 0;
    for (size_t i = 0; i < gap.size; i++)
        lines += fh_span_at(gap, i) == '\n';
    uint8_t first = fh_span_at(next, 0);
    bool mark = next.size == 1 && (first == '-' || first == '*' || first == '+');
    if (first == '#') {
        mark = true;
        for (size_t i = 1; i < next.size; i++)
            mark = mark && fh_span_at(next, i) == '#';
    }
    return lines > 1 || (lines == 1 && mark);
}

/* Where a word of more than FH_SENTENCE_MAX bytes is cut: between two characters. */
static size_t long_end(fh_span word) {
    size_t at = 0;
    for (size_t next = 0; next <= FH_SENTENCE_MAX; next += fh_utf8_next(word, next).size)
        at = next;
    return at;
}

bool fh_sentences_next(fh_sentences *s, fh_range *sentence) {
    fh_span text = s->split.text;
    *sentence = (fh_range){s->word.from, s->word.from};
    while (s->word.from < s->word.to) {
        fh_range at = s->word;
        fh_span word = fh_span_sub(text, at.from, at.to - at.from);
        size_t size = wide_end(word);
        if (at.from + size - sentence->from > FH_SENTENCE_MAX) {
            if (sentence->to != sentence->from)
                return true;
            size = size > FH_SENTENCE_MAX ? long_end(word) : size;
        }
        sentence->to = at.from + size;
        if (size < word.size) {
            s->word.from = sentence->to;
            return true;
        }
        advance(s);
        fh_span next = fh_span_sub(text, s->word.from, s->word.to - s->word.from);
        if (next.size == 0 || ends(word, next) || parts(fh_span_sub(text, at.to, s->word.from - at.to), next))
            return true;
    }
    return sentence->to != sentence->from;
}
