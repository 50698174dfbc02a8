/* postprocess.c: post-processors: read from JSON, run on drafts, written back.
 *
 * A Sequence is kept as the flat list of its steps, which gives the same results. Each step works on all drafts at hand: first
 * those of the texts, later also those of the special tokens that a template put between them, exactly as the reference's list
 * of encodings (processors/ there). At the end all are joined into one.
 *
 * Invariants of a processor that was read: token groups and template parts lie within their lists. Threading: immutable. */
#include "text/pipe/postprocess.h"

#include "freehold/json_object.h"

enum { DEPTH_MAX = 16, STEPS_MAX = 16, PARTS_MAX = 4096 };

typedef enum step_kind { STEP_BYTE_LEVEL, STEP_TEMPLATE, STEP_BERT, STEP_ROBERTA } step_kind;

/* One special token. */
typedef struct fh_added_end {
    uint32_t id, text, size; /* the text: in fh_postprocessor.texts */
} fh_added_end;
FH_SPAN_DEFINE(added_end, fh_added_end);
FH_ARRAY_DEFINE(added_end);
FH_LIST_DEFINE(added_end);

/* A named group of them: tokens [from, from + count). */
typedef struct fh_group {
    uint32_t name, size, from, count, step;
} fh_group;
FH_SPAN_DEFINE(group, fh_group);
FH_ARRAY_DEFINE(group);
FH_LIST_DEFINE(group);

/* A part of a template: a text (source 0 or 1), or a group of special tokens. */
typedef struct fh_template_part {
    uint32_t source, group, type;
} fh_template_part;
FH_SPAN_DEFINE(template_part, fh_template_part);
FH_ARRAY_DEFINE(template_part);
FH_LIST_DEFINE(template_part);

typedef struct step {
    step_kind kind;
    bool trims, prefix_space, regex;
    uint32_t cls, sep;             /* special tokens */
    size_t single, pair, pair_end; /* parts of the template: [single, pair) and [pair, pair_end) */
} step;

struct fh_postprocessor {
    fh_ref fh_allocator *allocator;
    step steps[STEPS_MAX];
    size_t step_count;
    bool sequence;
    fh_owned fh_buf texts;
    fh_owned fh_added_end_list tokens;
    fh_owned fh_group_list groups;
    fh_owned fh_template_part_list parts;
};

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static fh_status bad(const fh_json_member *m, const char *expected, fh_err *err) {
    return fh_fail(err, FH_CORRUPT, m->offset_bytes, "post-processor at byte %zu: expected %s", m->offset_bytes, expected);
}

static fh_span text_of(const fh_postprocessor *p, uint32_t from, uint32_t size) fh_view(1) {
    return fh_span_sub(fh_buf_view(&p->texts), from, size);
}

/* Keeps a string's text. */
static fh_status keep(fh_postprocessor *p, const fh_json_member *m, fh_out uint32_t *from, fh_out uint32_t *size, fh_err *err) {
    *from = *size = 0;
    size_t before = p->texts.size;
    FH_TRY(fh_json_text(m->first, &p->texts, err));
    *from = (uint32_t)before;
    *size = (uint32_t)(p->texts.size - before);
    return FH_DONE;
}

static fh_status id_of(const fh_json_member *m, fh_out uint32_t *out, fh_err *err) {
    int64_t v;
    *out = 0;
    FH_TRY(fh_json_i64(m->first, &v, err));
    if (v < 0 || v >= UINT32_MAX)
        return bad(m, "a number of 32 bits", err);
    *out = (uint32_t)v;
    return FH_DONE;
}

/* ["[SEP]", 102] */
static fh_status read_named(fh_postprocessor *p, const fh_json_object *o, const char *key, fh_out uint32_t *token,
                            fh_err *err) {
    *token = (uint32_t)p->tokens.count;
    fh_json_member m, text, id = {.offset_bytes = 0};
    fh_json_each e;
    bool more;
    FH_TRY(fh_json_object_need(o, key, &m, err));
    FH_TRY(fh_json_each_init(&e, m.text, m.offset_bytes, FH_JSON_ARRAY, err));
    FH_TRY(fh_json_each_next(&e, &text, &more, err));
    if (more)
        FH_TRY(fh_json_each_next(&e, &id, &more, err));
    if (!more)
        return bad(&m, "a token's text and its id", err);
    fh_added_end t;
    FH_TRY(keep(p, &text, &t.text, &t.size, err));
    FH_TRY(id_of(&id, &t.id, err));
    return fh_added_end_list_put(&p->tokens, t);
}

static fh_status read_flag(const fh_json_object *o, const char *key, fh_out bool *out, fh_err *err) {
    return fh_json_object_bool(o, key, true, out, err);
}

/* {"ids": [1], "tokens": ["[CLS]"]} under its name. */
static fh_status read_group(fh_postprocessor *p, const fh_json_member *m, fh_err *err) {
    fh_json_object o;
    fh_json_member ids, texts, item;
    fh_json_each e;
    bool more;
    fh_group g = {.from = (uint32_t)p->tokens.count, .step = (uint32_t)p->step_count};
    size_t name = p->texts.size;
    FH_TRY(fh_json_text(m->key, &p->texts, err));
    g.name = (uint32_t)name;
    g.size = (uint32_t)(p->texts.size - name);
    FH_TRY(fh_json_object_read(m->text, m->offset_bytes, &o, err));
    FH_TRY(fh_json_object_need(&o, "ids", &ids, err));
    FH_TRY(fh_json_object_need(&o, "tokens", &texts, err));
    FH_TRY(fh_json_each_init(&e, ids.text, ids.offset_bytes, FH_JSON_ARRAY, err));
    for (;;) {
        fh_added_end t = {0, 0, 0};
        FH_TRY(fh_json_each_next(&e, &item, &more, err));
        if (!more)
            break;
        FH_TRY(id_of(&item, &t.id, err));
        FH_TRY(fh_added_end_list_put(&p->tokens, t));
        g.count++;
    }
    FH_TRY(fh_json_each_init(&e, texts.text, texts.offset_bytes, FH_JSON_ARRAY, err));
    for (uint32_t i = 0;; i++) {
        FH_TRY(fh_json_each_next(&e, &item, &more, err));
        if (more != (i < g.count))
            return bad(&texts, "as many tokens as ids", err);
        if (!more)
            return fh_group_list_put(&p->groups, g);
        fh_added_end *t = fh_added_ends_at(p->tokens.items, g.from + i);
        fh_added_end found = *t;
        FH_TRY(keep(p, &item, &found.text, &found.size, err));
        fh_added_ends_set(p->tokens.items, g.from + i, found);
    }
}

static fh_status read_groups(fh_postprocessor *p, const fh_json_object *o, fh_err *err) {
    fh_json_each e;
    const fh_json_member *all = fh_json_object_find(o, "special_tokens");
    if (all == NULL)
        return FH_DONE;
    FH_TRY(fh_json_each_init(&e, all->text, all->offset_bytes, FH_JSON_OBJECT, err));
    for (;;) {
        fh_json_member m;
        bool more;
        FH_TRY(fh_json_each_next(&e, &m, &more, err));
        if (!more)
            return FH_DONE;
        FH_TRY(read_group(p, &m, err));
    }
}

/* The group of this step with that name. */
static fh_status find_group(const fh_postprocessor *p, fh_span name, const fh_json_member *at, fh_out uint32_t *out,
                            fh_err *err) {
    for (size_t g = p->groups.count; g-- > 0;) {
        const fh_group *group = fh_groups_at(p->groups.items, g);
        *out = (uint32_t)g;
        if (group->step == p->step_count && fh_span_equal(text_of(p, group->name, group->size), name))
            return FH_DONE;
    }
    *out = 0;
    return fh_fail(err, FH_CORRUPT, at->offset_bytes, "template at byte %zu names \"%.*s\", which \"special_tokens\" lacks",
                   at->offset_bytes, FH_SPAN_FMT(name));
}

/* Decimal digits as a number of 32 bits. */
static bool number_of(fh_span s, fh_out uint32_t *out) {
    uint64_t v = 0;
    *out = 0;
    for (size_t i = 0; i < s.size; i++) {
        uint8_t c = fh_span_at(s, i);
        if (c < '0' || c > '9' || v > UINT32_MAX)
            return false;
        v = v * 10 + (uint64_t)(c - '0');
    }
    *out = (uint32_t)v;
    return s.size != 0 && v <= UINT32_MAX;
}

/* Appends a part of a template. */
static fh_status put_part(fh_postprocessor *p, fh_template_part part, const fh_json_member *at, fh_err *err) {
    if (p->parts.count == PARTS_MAX)
        return fh_fail(err, FH_LIMIT, at->offset_bytes, "templates have more than %d parts at byte %zu", PARTS_MAX,
                       at->offset_bytes);
    return fh_template_part_list_put(&p->parts, part);
}

/* A part in the short form: "$A", "$B:1", "$1", "[CLS]", "[SEP]:1". */
static fh_status read_short(fh_postprocessor *p, fh_span s, const fh_json_member *at, fh_err *err) {
    fh_template_part part = {FH_RUN_SPECIAL, 0, 0};
    size_t colon = fh_span_find(s, FH_LIT(":"), 0);
    fh_span name = fh_span_sub(s, 0, colon < s.size ? colon : s.size);
    if (colon < s.size && !number_of(fh_span_from(s, colon + 1), &part.type))
        return bad(at, "a number behind the colon of a template's part", err);
    if (fh_span_starts(name, FH_LIT("$"))) {
        fh_span which = fh_span_from(name, 1);
        uint32_t type = 0;
        part.source = fh_span_is(which, "B") || fh_span_is(which, "b");
        bool first = which.size == 0 || fh_span_is(which, "A") || fh_span_is(which, "a");
        if (part.source == 0 && !first && !number_of(which, &type))
            return bad(at, "$A, $B or $ and a number", err);
        part.type = colon < s.size ? part.type : type;
    } else {
        FH_TRY(find_group(p, name, at, &part.group, err));
    }
    return put_part(p, part, at, err);
}

/* {"Sequence": {"id": "A", "type_id": 0}} or {"SpecialToken": {"id": "[CLS]", "type_id": 0}} */
static fh_status read_long(fh_postprocessor *p, const fh_json_member *m, fh_err *err) {
    fh_json_object outer, inner;
    FH_TRY(fh_json_object_read(m->text, m->offset_bytes, &outer, err));
    const fh_json_member *sequence = fh_json_object_find(&outer, "Sequence");
    const fh_json_member *special = fh_json_object_find(&outer, "SpecialToken");
    const fh_json_member *one = sequence != NULL ? sequence : special;
    if (one == NULL)
        return bad(m, "a Sequence or a SpecialToken", err);
    fh_json_member id;
    uint64_t type;
    FH_TRY(fh_json_object_read(one->text, one->offset_bytes, &inner, err));
    FH_TRY(fh_json_object_need(&inner, "id", &id, err));
    FH_TRY(fh_json_object_u64(&inner, "type_id", 0, &type, err));
    if (type > UINT32_MAX)
        return bad(one, "a type of 32 bits", err);
    fh_template_part part = {FH_RUN_SPECIAL, 0, (uint32_t)type};
    if (sequence != NULL) {
        part.source = fh_json_object_is(&inner, "id", "B");
        if (part.source == 0 && !fh_json_object_is(&inner, "id", "A"))
            return bad(&id, "\"A\" or \"B\"", err);
    } else {
        size_t before = p->texts.size;
        FH_TRY(fh_json_text(id.first, &p->texts, err));
        fh_status s = find_group(p, fh_span_from(fh_buf_view(&p->texts), before), &id, &part.group, err);
        fh_buf_truncate(&p->texts, before);
        FH_TRY(s);
    }
    return put_part(p, part, m, err);
}

/* A template: a list of parts, or one string with a blank between two of them. */
static fh_status read_template(fh_postprocessor *p, const fh_json_object *o, const char *key, fh_err *err) {
    const fh_json_member *m = fh_json_object_find(o, key);
    if (m == NULL)
        return FH_DONE;
    if (m->first.kind == FH_JSON_STRING) {
        for (size_t at = 0; at <= m->first.raw.size;) {
            size_t blank = fh_span_find(m->first.raw, FH_LIT(" "), at);
            size_t end = blank < m->first.raw.size ? blank : m->first.raw.size;
            FH_TRY(read_short(p, fh_span_sub(m->first.raw, at, end - at), m, err));
            at = end + 1;
        }
        return FH_DONE;
    }
    fh_json_each e;
    FH_TRY(fh_json_each_init(&e, m->text, m->offset_bytes, FH_JSON_ARRAY, err));
    for (;;) {
        fh_json_member item;
        bool more;
        FH_TRY(fh_json_each_next(&e, &item, &more, err));
        if (!more)
            return FH_DONE;
        FH_TRY(item.first.kind == FH_JSON_STRING ? read_short(p, item.first.raw, &item, err) : read_long(p, &item, err));
    }
}

/* What an object without a type is, by its members. */
static fh_static const char *kind_by_members(fh_ref const fh_json_object *o) {
    if (fh_json_object_find(o, "sep") != NULL)
        return fh_json_object_find(o, "trim_offsets") != NULL ? "RobertaProcessing" : "BertProcessing";
    if (fh_json_object_find(o, "trim_offsets") != NULL)
        return "ByteLevel";
    return fh_json_object_find(o, "single") != NULL ? "TemplateProcessing" : "Sequence";
}

static fh_status read_step(fh_postprocessor *p, const fh_json_object *o, fh_span kind, fh_err *err) {
    if (p->step_count == STEPS_MAX)
        return fh_fail(err, FH_LIMIT, o->offset_bytes, "more than %d post-processors at byte %zu", STEPS_MAX, o->offset_bytes);
    step s = {.kind = STEP_BERT, .trims = false};
    bool bert = fh_span_is(kind, "BertProcessing"), roberta = fh_span_is(kind, "RobertaProcessing");
    if (bert || roberta) {
        FH_TRY(read_named(p, o, "sep", &s.sep, err));
        FH_TRY(read_named(p, o, "cls", &s.cls, err));
    }
    if (roberta || fh_span_is(kind, "ByteLevel")) {
        s.kind = roberta ? STEP_ROBERTA : STEP_BYTE_LEVEL;
        FH_TRY(read_flag(o, "trim_offsets", &s.trims, err));
        FH_TRY(read_flag(o, "add_prefix_space", &s.prefix_space, err));
        FH_TRY(read_flag(o, "use_regex", &s.regex, err));
    } else if (fh_span_is(kind, "TemplateProcessing")) {
        s.kind = STEP_TEMPLATE;
        FH_TRY(read_groups(p, o, err));
        s.single = p->parts.count;
        FH_TRY(read_template(p, o, "single", err));
        s.pair = p->parts.count;
        FH_TRY(read_template(p, o, "pair", err));
        s.pair_end = p->parts.count;
    } else if (!bert) {
        return fh_fail(err, FH_UNSUPPORTED, o->offset_bytes, "post-processor at byte %zu: \"%.*s\" is not known",
                       o->offset_bytes, FH_SPAN_FMT(kind));
    }
    p->steps[p->step_count++] = s;
    return FH_DONE;
}

static fh_status read_any(fh_postprocessor *p, fh_span json, size_t offset_bytes, unsigned depth, fh_err *err) {
    fh_json_object o;
    if (depth == DEPTH_MAX)
        return fh_fail(err, FH_LIMIT, offset_bytes, "post-processors nest deeper than %d at byte %zu", DEPTH_MAX, offset_bytes);
    FH_TRY(fh_json_object_read(json, offset_bytes, &o, err));
    const fh_json_member *type = fh_json_object_find(&o, "type");
    fh_span kind = type != NULL ? type->first.raw : fh_span_of_str(kind_by_members(&o));
    if (!fh_span_is(kind, "Sequence"))
        return read_step(p, &o, kind, err);
    fh_json_each e;
    fh_json_member list;
    FH_TRY(fh_json_object_need(&o, "processors", &list, err));
    FH_TRY(fh_json_each_init(&e, list.text, list.offset_bytes, FH_JSON_ARRAY, err));
    p->sequence = true;
    for (;;) {
        fh_json_member item;
        bool more;
        FH_TRY(fh_json_each_next(&e, &item, &more, err));
        if (!more)
            return FH_DONE;
        FH_TRY(read_any(p, item.text, item.offset_bytes, depth + 1, err));
    }
}

fh_status fh_postprocessor_read(fh_allocator *a, fh_span json, size_t offset_bytes, fh_postprocessor **out, fh_err *err) {
    *out = NULL;
    fh_postprocessor *p = fh_alloc(a, 1, sizeof *p);
    if (p == NULL)
        return fh_fail(err, FH_NOMEM, FH_NO_OFFSET, "out of memory for a post-processor");
    p->allocator = a;
    fh_buf_init(&p->texts, a, INT32_MAX);
    fh_added_end_list_init(&p->tokens, a);
    fh_group_list_init(&p->groups, a);
    fh_template_part_list_init(&p->parts, a);
    fh_status s = read_any(p, json, offset_bytes, 0, err);
    if (fh_failed(s)) {
        fh_postprocessor_free(p);
        return fh_fail(err, s.code, FH_NO_OFFSET, "out of memory for a post-processor");
    }
    *out = p;
    return s;
}

void fh_postprocessor_free(fh_postprocessor *p) {
    if (p == NULL)
        return;
    fh_buf_deinit(&p->texts);
    fh_added_end_list_deinit(&p->tokens);
    fh_group_list_deinit(&p->groups);
    fh_template_part_list_deinit(&p->parts);
    fh_free(p->allocator, p);
}

/* --- questions -------------------------------------------------------------------------------------------------------- */

static size_t added_by(const fh_postprocessor *p, const step *s, bool pair) {
    size_t added = 0;
    switch (s->kind) {
    case STEP_BYTE_LEVEL:
        return 0;
    case STEP_BERT:
        return pair ? 3 : 2;
    case STEP_ROBERTA:
        return pair ? 4 : 2;
    case STEP_TEMPLATE:
        break;
    }
    for (size_t i = pair ? s->pair : s->single; i < (pair ? s->pair_end : s->pair); i++) {
        const fh_template_part *part = fh_template_parts_at(p->parts.items, i);
        added += part->source == FH_RUN_SPECIAL ? fh_groups_at(p->groups.items, part->group)->count : 0;
    }
    return added;
}

size_t fh_postprocessor_added(const fh_postprocessor *p, bool pair) {
    size_t added = 0;
    for (size_t i = 0; p != NULL && i < p->step_count && i < STEPS_MAX; i++)
        added += added_by(p, &p->steps[i], pair);
    return added;
}

bool fh_postprocessor_trims(const fh_postprocessor *p) {
    bool trims = false;
    for (size_t i = 0; p != NULL && i < p->step_count && i < STEPS_MAX; i++)
        trims = trims || p->steps[i].trims;
    return trims;
}

uint32_t fh_postprocessor_edge(const fh_postprocessor *p, bool behind) {
    uint32_t found = FH_NO_TOKEN;
    for (size_t i = 0; p != NULL && i < p->step_count && i < STEPS_MAX; i++) {
        const step *s = &p->steps[i];
        if (s->kind == STEP_BERT || s->kind == STEP_ROBERTA)
            found = fh_added_ends_at(p->tokens.items, behind ? s->sep : s->cls)->id;
        if (s->kind != STEP_TEMPLATE || s->single == s->pair)
            continue;
        const fh_template_part *part = fh_template_parts_at(p->parts.items, behind ? s->pair - 1 : s->single);
        const fh_group *g = part->source == FH_RUN_SPECIAL ? fh_groups_at(p->groups.items, part->group) : NULL;
        if (g != NULL && g->count == 1)
            found = fh_added_ends_at(p->tokens.items, g->from)->id;
    }
    return found;
}

uint32_t fh_postprocessor_token(const fh_postprocessor *p, uint32_t index, fh_span *text) {
    const fh_added_end *t = fh_added_ends_at(p->tokens.items, index);
    *text = text_of(p, t->text, t->size);
    return t->id;
}

fh_span fh_postprocessor_texts(const fh_postprocessor *p) {
    return fh_buf_view(&p->texts);
}

fh_range fh_postprocessor_place(const fh_postprocessor *p, uint32_t index) {
    const fh_added_end *t = fh_added_ends_at(p->tokens.items, index);
    return (fh_range){t->text, (size_t)t->text + t->size};
}

size_t fh_postprocessor_tokens(const fh_postprocessor *p) {
    return p->tokens.count;
}

void fh_postprocessor_renumber(fh_postprocessor *p, uint32_t index, uint32_t id) {
    fh_added_ends_at(p->tokens.items, index)->id = id;
}

/* --- running ---------------------------------------------------------------------------------------------------------- */

/* So many tokens from `from` on are of a sequence. Drafts of more than 2^32 tokens are refused in the end (check_tokens). */
static fh_sequence_range tokens_of(uint32_t sequence, size_t from, size_t tokens) {
    return (fh_sequence_range){sequence, (uint32_t)from, (uint32_t)(from + tokens)};
}

static void set_range(fh_mut fh_draft *d, fh_sequence_range range) {
    uint32_t r = 0;
    while (r < d->range_count && r < FH_SEQUENCES_MAX && d->ranges[r].sequence != range.sequence)
        r++;
    if (r >= FH_SEQUENCES_MAX)
        return;
    d->ranges[r] = range;
    d->range_count += r == d->range_count;
}

static void set_types(fh_draft_table *d, fh_draft draft, uint32_t type) {
    for (size_t i = 0; i < draft.count; i++)
        fh_runs_at(d->runs.items, draft.from + i)->type = type;
}

static void trim(fh_draft_table *d, fh_draft draft, bool prefix_space) {
    bool first = true;
    for (size_t i = 0; i < draft.count; i++) {
        fh_run *r = fh_runs_at(d->runs.items, draft.from + i);
        uint32_t how = (prefix_space ? 1u : 0u) | (first ? 2u : 0u);
        r->trims |= how << 2 * r->trim_count;
        r->trim_count = (uint8_t)(r->trim_count + 1);
        first = first && r->count == 0;
    }
}

static void trim_all(fh_draft_table *d, bool prefix_space) {
    for (size_t i = 0; i < d->pieces.count; i++) {
        fh_drafted piece = fh_drafteds_get(d->pieces.items, i);
        trim(d, piece.main, prefix_space);
        for (size_t k = 0; k < piece.overflow_count; k++)
            trim(d, fh_drafts_get(d->overflow.items, piece.overflow + k), prefix_space);
    }
}

/* How many runs, or tokens, may become of the texts: `most`, or more where these are many. */
static size_t room_for(const fh_draft_table *d, size_t most) {
    return d->tokens > most / FH_DRAFT_TIMES ? d->tokens * FH_DRAFT_TIMES : most;
}

/* Appends a copy of a draft's runs. */
static fh_status copy_runs(fh_draft_table *d, const fh_draft *from) {
    if (d->runs.count + from->count > room_for(d, FH_DRAFT_RUNS_MAX))
        return FH_STATUS(FH_LIMIT);
    for (size_t i = 0; i < from->count; i++)
        FH_TRY(fh_run_list_put(&d->runs, fh_runs_get(d->runs.items, from->from + i)));
    return FH_DONE;
}

/* A draft with runs of its own. */
static fh_status copy_draft(fh_draft_table *d, fh_mut fh_draft *draft) {
    size_t at = d->runs.count;
    FH_TRY(copy_runs(d, draft));
    draft->from = at;
    return FH_DONE;
}

/* *left = left and right behind one another. */
static fh_status join(fh_draft_table *d, fh_mut fh_draft *left, const fh_draft *right) {
    size_t at = d->runs.count;
    bool behind = left->from + left->count == at; /* its runs are the last ones, and nobody else's */
    fh_draft both = *left;
    if (!behind) {
        FH_TRY(copy_runs(d, left));
        both.from = at;
    }
    FH_TRY(copy_runs(d, right));
    both.count += right->count;
    for (uint32_t r = 0; r < right->range_count && r < FH_SEQUENCES_MAX; r++) {
        fh_sequence_range range = right->ranges[r];
        set_range(&both, tokens_of(range.sequence, range.from + left->tokens, range.to - range.from));
    }
    both.tokens += right->tokens;
    *left = both;
    return FH_DONE;
}

/* Joins `piece` to `whole`: every overflow of the one goes with the other and with each of its overflows
 * (Encoding::merge_with). */
static fh_status join_piece(fh_draft_table *d, fh_mut fh_drafted *whole, const fh_drafted *piece) {
    size_t at = d->overflow.count;
    if (whole->overflow_count != 0 || piece->overflow_count != 0) {
        for (size_t i = 0; i <= whole->overflow_count; i++) {
            bool self = i == whole->overflow_count;
            for (size_t k = self ? 1 : 0; k <= piece->overflow_count; k++) {
                fh_draft left = self ? whole->main : fh_drafts_get(d->overflow.items, whole->overflow + i);
                fh_draft right = k == 0 ? piece->main : fh_drafts_get(d->overflow.items, piece->overflow + k - 1);
                FH_TRY(copy_draft(d, &left));
                FH_TRY(join(d, &left, &right));
                FH_TRY(fh_draft_list_put(&d->overflow, left));
            }
        }
    }
    whole->overflow = at;
    whole->overflow_count = d->overflow.count - at;
    return join(d, &whole->main, &piece->main);
}

/* --- templates -------------------------------------------------------------------------------------------------------- */

/* A text where a template has it. */
static fh_status place_text(fh_draft_table *d, const fh_template_part *part, fh_err *err) {
    if (part->source >= d->pieces.count)
        return fh_fail(err, FH_INVALID, FH_NO_OFFSET, "the template asks for a second text, but there is none");
    fh_drafted piece = fh_drafteds_get(d->pieces.items, part->source);
    set_types(d, piece.main, part->type);
    set_range(&piece.main, tokens_of(part->source, 0, piece.main.tokens));
    fh_drafteds_set(d->pieces.items, part->source, piece);
    FH_TRY(copy_draft(d, &piece.main));
    size_t at = d->overflow.count;
    for (size_t k = 0; k < piece.overflow_count; k++) {
        fh_draft over = fh_drafts_get(d->overflow.items, piece.overflow + k);
        FH_TRY(copy_draft(d, &over));
        FH_TRY(fh_draft_list_put(&d->overflow, over));
    }
    piece.overflow = at;
    return fh_drafted_list_put(&d->next, piece);
}

static fh_run special_run(uint32_t from, uint32_t count, uint32_t type) {
    return (fh_run){.source = FH_RUN_SPECIAL, .from = from, .count = count, .type = type, .special = 1};
}

/* What was made becomes what is at hand. */
static fh_status take_next(fh_draft_table *d) {
    d->pieces.count = 0;
    for (size_t i = 0; i < d->next.count; i++)
        FH_TRY(fh_drafted_list_put(&d->pieces, fh_drafteds_get(d->next.items, i)));
    d->next.count = 0;
    return FH_DONE;
}

static fh_status run_template(const fh_postprocessor *p, const step *s, fh_draft_table *d, bool add_special, fh_err *err) {
    if (d->pieces.count > 2)
        return fh_fail(err, FH_UNSUPPORTED, FH_NO_OFFSET, "a template behind a template");
    bool pair = d->pieces.count == 2;
    for (size_t i = pair ? s->pair : s->single; i < (pair ? s->pair_end : s->pair); i++) {
        const fh_template_part *part = fh_template_parts_at(p->parts.items, i);
        if (part->source != FH_RUN_SPECIAL) {
            FH_TRY(place_text(d, part, err));
        } else if (add_special) {
            const fh_group *g = fh_groups_at(p->groups.items, part->group);
            fh_drafted piece = {.main = {.from = d->runs.count, .count = 1, .tokens = g->count}};
            FH_TRY(fh_run_list_put(&d->runs, special_run(g->from, g->count, part->type)));
            FH_TRY(fh_drafted_list_put(&d->next, piece));
        }
    }
    return take_next(d);
}

/* --- BERT and RoBERTa ------------------------------------------------------------------------------------------------- */

/* *draft = `before` (unless FH_NO_TOKEN), the draft, `sep`. */
static fh_status wrap(fh_draft_table *d, fh_mut fh_draft *draft, uint32_t before, uint32_t sep, uint32_t type,
                      uint32_t sequence) {
    fh_draft out = {.from = d->runs.count, .count = draft->count + 1, .tokens = draft->tokens + 1};
    uint32_t from = before != FH_NO_TOKEN;
    if (from != 0) {
        FH_TRY(fh_run_list_put(&d->runs, special_run(before, 1, type)));
        out.count++;
        out.tokens++;
    }
    size_t at = d->runs.count;
    FH_TRY(copy_runs(d, draft));
    for (size_t i = at; i < d->runs.count; i++)
        fh_runs_at(d->runs.items, i)->special = 0;
    FH_TRY(fh_run_list_put(&d->runs, special_run(sep, 1, type)));
    set_range(&out, tokens_of(sequence, from, draft->tokens));
    *draft = out;
    return FH_DONE;
}

static fh_status run_wrapping(const step *s, fh_draft_table *d) {
    bool roberta = s->kind == STEP_ROBERTA;
    for (size_t i = 0; i < d->pieces.count; i++) {
        fh_drafted piece = fh_drafteds_get(d->pieces.items, i);
        uint32_t before = i == 0 ? s->cls : roberta ? s->sep : FH_NO_TOKEN, sequence = i != 0, type = i != 0 && !roberta;
        FH_TRY(wrap(d, &piece.main, before, s->sep, type, sequence));
        for (size_t k = 0; k < piece.overflow_count; k++) {
            fh_draft over = fh_drafts_get(d->overflow.items, piece.overflow + k);
            if (roberta)
                set_types(d, over, 0);
            FH_TRY(wrap(d, &over, before, s->sep, type, sequence));
            fh_drafts_set(d->overflow.items, piece.overflow + k, over);
        }
        fh_drafteds_set(d->pieces.items, i, piece);
    }
    return FH_DONE;
}

static fh_status run_step(const fh_postprocessor *p, const step *s, fh_draft_table *d, bool add_special, fh_err *err) {
    if (s->trims)
        trim_all(d, s->prefix_space);
    if (s->kind == STEP_TEMPLATE)
        return run_template(p, s, d, add_special, err);
    for (uint32_t i = 0; i < d->pieces.count; i++) {
        fh_drafted piece = fh_drafteds_get(d->pieces.items, i);
        if (s->kind == STEP_BYTE_LEVEL)
            set_range(&piece.main, tokens_of(i, 0, piece.main.tokens));
        if (s->kind == STEP_ROBERTA)
            set_types(d, piece.main, 0);
        fh_drafteds_set(d->pieces.items, i, piece);
    }
    return add_special && s->kind != STEP_BYTE_LEVEL ? run_wrapping(s, d) : FH_DONE;
}

/* What every processor begins with: which text each draft is. */
static void number_texts(fh_draft_table *d) {
    for (uint32_t i = 0; i < d->pieces.count; i++) {
        fh_drafted piece = fh_drafteds_get(d->pieces.items, i);
        set_range(&piece.main, tokens_of(i, 0, piece.main.tokens));
        set_types(d, piece.main, i);
        fh_drafteds_set(d->pieces.items, i, piece);
        for (size_t k = 0; k < piece.overflow_count; k++) {
            fh_draft over = fh_drafts_get(d->overflow.items, piece.overflow + k);
            set_range(&over, tokens_of(i, 0, over.tokens));
            fh_drafts_set(d->overflow.items, piece.overflow + k, over);
        }
    }
}

static fh_status run_all(fh_ref fh_or_null const fh_postprocessor *p, fh_draft_table *d, bool add_special, fh_err *err) {
    if (p != NULL) {
        number_texts(d);
        for (size_t i = 0; i < p->step_count && i < STEPS_MAX; i++)
            FH_TRY(run_step(p, &p->steps[i], d, add_special, err));
    } else if (d->pieces.count > 1) {
        for (uint32_t i = 0; i < d->pieces.count; i++) {
            fh_drafted *piece = fh_drafteds_at(d->pieces.items, i);
            set_range(&piece->main, tokens_of(i, 0, piece->main.tokens));
        }
    }
    if (d->pieces.count == 1)
        return FH_DONE;
    fh_drafted whole = {.main = {.from = d->runs.count}, .overflow = d->overflow.count};
    for (size_t i = 0; i < d->pieces.count; i++) {
        fh_drafted piece = fh_drafteds_get(d->pieces.items, i);
        FH_TRY(join_piece(d, &whole, &piece));
    }
    d->pieces.count = 0;
    return fh_drafted_list_put(&d->pieces, whole);
}

/* FH_LIMIT if the one draft that is left and its overflow have too many tokens. */
static fh_status check_tokens(const fh_draft_table *d) {
    const fh_drafted *whole = fh_drafteds_at(d->pieces.items, 0);
    uint64_t tokens = whole->main.tokens;
    for (size_t k = 0; k < whole->overflow_count; k++)
        tokens += fh_drafts_at(d->overflow.items, whole->overflow + k)->tokens;
    return tokens > room_for(d, FH_DRAFT_TOKENS_MAX) ? FH_STATUS(FH_LIMIT) : FH_DONE;
}

fh_status fh_postprocessor_run(const fh_postprocessor *p, fh_draft_table *d, bool add_special, fh_err *err) {
    fh_status s = run_all(p, d, add_special, err);
    if (s.code == FH_OK)
        s = check_tokens(d);
    if (s.code != FH_LIMIT)
        return s;
    return fh_fail(err, s.code, FH_NO_OFFSET, "truncation and post-processor make more than %zu tokens, or %zu runs of them, "
                   "of an input of %zu", room_for(d, FH_DRAFT_TOKENS_MAX), room_for(d, FH_DRAFT_RUNS_MAX), d->tokens);
}

/* --- writing ---------------------------------------------------------------------------------------------------------- */

static fh_status put_type(fh_json_writer *w, const char *type) {
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "type"));
    return fh_json_put_text(w, fh_span_of_str(type));
}

static fh_status put_flag(fh_json_writer *w, const char *key, bool v) {
    FH_TRY(fh_json_key(w, key));
    return fh_json_put_bool(w, v);
}

static fh_status put_named(const fh_postprocessor *p, fh_json_writer *w, const char *key, uint32_t token) {
    fh_span text;
    uint32_t id = fh_postprocessor_token(p, token, &text);
    FH_TRY(fh_json_key(w, key));
    FH_TRY(fh_json_open(w, false));
    FH_TRY(fh_json_put_text(w, text));
    FH_TRY(fh_json_put_u64(w, id));
    return fh_json_close(w, false);
}

static fh_status put_parts(const fh_postprocessor *p, fh_json_writer *w, const char *key, size_t from, size_t to) {
    FH_TRY(fh_json_key(w, key));
    FH_TRY(fh_json_open(w, false));
    for (size_t i = from; i < to; i++) {
        const fh_template_part *part = fh_template_parts_at(p->parts.items, i);
        bool special = part->source == FH_RUN_SPECIAL;
        fh_span name = part->source == 0 ? FH_LIT("A") : FH_LIT("B");
        if (special) {
            const fh_group *g = fh_groups_at(p->groups.items, part->group);
            name = text_of(p, g->name, g->size);
        }
        FH_TRY(fh_json_open(w, true));
        FH_TRY(fh_json_key(w, special ? "SpecialToken" : "Sequence"));
        FH_TRY(fh_json_open(w, true));
        FH_TRY(fh_json_key(w, "id"));
        FH_TRY(fh_json_put_text(w, name));
        FH_TRY(fh_json_key(w, "type_id"));
        FH_TRY(fh_json_put_u64(w, part->type));
        FH_TRY(fh_json_close(w, true));
        FH_TRY(fh_json_close(w, true));
    }
    return fh_json_close(w, false);
}

static fh_status put_group(const fh_postprocessor *p, fh_json_writer *w, const fh_group *g) {
    fh_span text, name = text_of(p, g->name, g->size);
    FH_TRY(fh_json_key_text(w, name));
    FH_TRY(fh_json_open(w, true));
    FH_TRY(fh_json_key(w, "id"));
    FH_TRY(fh_json_put_text(w, name));
    FH_TRY(fh_json_key(w, "ids"));
    FH_TRY(fh_json_open(w, false));
    for (uint32_t i = 0; i < g->count; i++)
        FH_TRY(fh_json_put_u64(w, fh_postprocessor_token(p, g->from + i, &text)));
    FH_TRY(fh_json_close(w, false));
    FH_TRY(fh_json_key(w, "tokens"));
    FH_TRY(fh_json_open(w, false));
    for (uint32_t i = 0; i < g->count; i++) {
        (void)fh_postprocessor_token(p, g->from + i, &text);
        FH_TRY(fh_json_put_text(w, text));
    }
    FH_TRY(fh_json_close(w, false));
    return fh_json_close(w, true);
}

/* The groups of a step, by their names in order; of two with one name the last. */
static fh_status put_groups(const fh_postprocessor *p, fh_json_writer *w, uint32_t step_index) {
    FH_TRY(fh_json_key(w, "special_tokens"));
    FH_TRY(fh_json_open(w, true));
    fh_span last = {NULL, 0};
    for (bool any = false;; any = true) {
        const fh_group *best = NULL;
        fh_span best_name = {NULL, 0};
        for (size_t i = 0; i < p->groups.count; i++) {
            const fh_group *g = fh_groups_at(p->groups.items, i);
            fh_span name = text_of(p, g->name, g->size);
            bool later = !any || fh_span_compare(name, last) > 0;
            if (g->step == step_index && later && (best == NULL || fh_span_compare(name, best_name) <= 0)) {
                best = g;
                best_name = name;
            }
        }
        if (best == NULL)
            return fh_json_close(w, true);
        FH_TRY(put_group(p, w, best));
        last = best_name;
    }
}

static fh_status put_step(const fh_postprocessor *p, fh_json_writer *w, uint32_t index, const step *s) {
    static const char *const names[] = {"ByteLevel", "TemplateProcessing", "BertProcessing", "RobertaProcessing"};
    switch (s->kind) {
    case STEP_TEMPLATE:
        FH_TRY(put_type(w, "TemplateProcessing"));
        FH_TRY(put_parts(p, w, "single", s->single, s->pair));
        FH_TRY(put_parts(p, w, "pair", s->pair, s->pair_end));
        FH_TRY(put_groups(p, w, index));
        break;
    case STEP_BERT:
    case STEP_ROBERTA:
        FH_TRY(put_type(w, names[s->kind]));
        FH_TRY(put_named(p, w, "sep", s->sep));
        FH_TRY(put_named(p, w, "cls", s->cls));
        if (s->kind == STEP_ROBERTA) {
            FH_TRY(put_flag(w, "trim_offsets", s->trims));
            FH_TRY(put_flag(w, "add_prefix_space", s->prefix_space));
        }
        break;
    case STEP_BYTE_LEVEL:
        FH_TRY(put_type(w, "ByteLevel"));
        FH_TRY(put_flag(w, "add_prefix_space", s->prefix_space));
        FH_TRY(put_flag(w, "trim_offsets", s->trims));
        FH_TRY(put_flag(w, "use_regex", s->regex));
        break;
    }
    return fh_json_close(w, true);
}

fh_status fh_postprocessor_write(const fh_postprocessor *p, fh_json_writer *w) {
    if (p->sequence) {
        FH_TRY(put_type(w, "Sequence"));
        FH_TRY(fh_json_key(w, "processors"));
        FH_TRY(fh_json_open(w, false));
    }
    for (uint32_t i = 0; i < p->step_count && i < STEPS_MAX; i++)
        FH_TRY(put_step(p, w, i, &p->steps[i]));
    if (!p->sequence)
        return FH_DONE;
    FH_TRY(fh_json_close(w, false));
    return fh_json_close(w, true);
}
