/* answers.c: answers on disk, one file for each task and shape of output.
 *
 * An entry is {mark, checksum, identity, size of the key, size of the answer, key, answer, inputs}, little-endian. The key is
 * the task in full, so two tasks whose file names collide do not take each other's answers. An input is {hash, size, path}; a
 * hash of 0 says that there was no such file: where a header was found in one folder, the folders that are searched before it
 * have none of its name. (For a header of the system the name is what follows the last /include/ in its path.) Units that ask
 * for files by __has_include are not kept. Entries are written beside their place and renamed; the checksum takes the place of
 * a sync.
 *
 * Hashes are of 64 bits and find accidents, not attacks: whoever can write to the folder can also write what deed says.
 *
 * Threading: one thread at a time. */
#include "check/answers.h"

#include "check/outside.h"
#include "freehold/hash.h"
#include "freehold/os.h"

enum { HEADS = 1024, HEAD_BYTES = 32, CHECKED_FROM = 16, DIRS_MAX = 64 };
#define MARK UINT64_C(0x3130454843414344)
#define CHECKSUM_SEED 4
#define KEY_SEED 5

/* --- files ---------------------------------------------------------------------------------------------------------------- */

static uint64_t hash_file(const char *path) {
    fh_os_map map;
    if (path == NULL || fh_failed(fh_os_map_open(path, &map, NULL)))
        return 0;
    uint64_t hash = deed_input_hash(map.bytes);
    fh_os_map_close(&map);
    return hash;
}

/* The hash of a file's text, looked at once; 0 when it is not there (or memory runs out: then nothing matches). */
static uint64_t hash_of(deed_cache *c, fh_span path) {
    size_t head = fh_hash_bytes(0, path) % HEADS;
    for (const deed_known *k = fh_deed_knowns_get(c->files, head); k != NULL; k = k->next) {
        if (fh_span_equal(k->path, path))
            return k->hash;
    }
    const char *name = deed_copy_text(c->arena, path, (fh_span){0});
    deed_known *k = fh_arena_alloc(c->arena, 1, sizeof *k);
    if (k == NULL || name == NULL)
        return 0;
    *k = (deed_known){fh_span_of_str(name), hash_file(name), fh_deed_knowns_get(c->files, head)};
    fh_deed_knowns_set(c->files, head, k);
    return k->hash;
}

fh_status deed_cache_open(fh_arena *arena, const char *folder, fh_span settings, deed_cache *out, fh_err *err) {
    *out = (deed_cache){.identity = 0};
    FH_TRY(deed_folder_make(folder, err));
    deed_known_ref *heads = fh_arena_alloc(arena, HEADS, sizeof *heads);
    const char *with_slash = deed_copy_text(arena, fh_span_of_str(folder), FH_LIT("/"));
    if (heads == NULL || with_slash == NULL)
        return FH_STATUS(FH_NOMEM);
    deed_cache c = {.arena = arena, .folder = with_slash, .files = {heads, HEADS}};
    FH_TRY(deed_here(arena, &c.here));
    uint64_t program = hash_file("/proc/self/exe");
    if (program == 0)
        return fh_fail(err, FH_IO, FH_NO_OFFSET, "this program cannot read itself, so it cannot tell its answers from others");
    uint64_t told = settings.size == 0 ? 0 : hash_of(&c, settings);
    c.identity = fh_hash_bytes(program ^ fh_mix64(told), deed_clang_version(arena));
    static const char *const searched[] = {"CPATH", "C_INCLUDE_PATH"}; /* clang looks for headers there too */
    for (size_t i = 0; i < sizeof searched / sizeof searched[0]; i++)
        c.identity = fh_hash_bytes(c.identity, fh_span_of_str(fh_os_env(searched[i])));
    *out = c;
    return FH_DONE;
}

/* --- entries -------------------------------------------------------------------------------------------------------------- */

/* The task in full: what its answer depends on beside the texts of files. */
static fh_status put_key(const deed_cache *c, const deed_task *task, fh_span how, fh_buf *out) {
    FH_TRY(fh_buf_put(out, c->here));
    FH_TRY(fh_buf_format(out, "\n%s\n", task->path));
    FH_TRY(fh_buf_put(out, how));
    for (size_t i = 0; i < task->args.count; i++) {
        FH_TRY(fh_buf_put_u8(out, 0));
        FH_TRY(fh_buf_put(out, fh_span_of_str(fh_deed_args_get(task->args, i))));
    }
    return FH_DONE;
}

static fh_view(*1) fh_or_null const char *entry_path(const deed_cache *c, fh_span key) {
    uint64_t hash = fh_hash_bytes(KEY_SEED, key);
    fh_buf name;
    fh_buf_init(&name, fh_heap(), 0);
    fh_status s = fh_buf_format(&name, "%016llx.deed", (unsigned long long)hash);
    const char *path = fh_failed(s) ? NULL : deed_copy_text(c->arena, fh_span_of_str(c->folder), fh_buf_view(&name));
    fh_buf_deinit(&name);
    return path;
}

/* Takes `count` bytes from the front of *rest. */
static bool take(fh_mut fh_span *rest, size_t count, fh_out fh_view(*1) fh_span *out) {
    if (!fh_span_slice(*rest, 0, count, out))
        return false;
    *rest = fh_span_from(*rest, count);
    return true;
}

/* The answer in an entry, if it is whole, of this key and identity, and its inputs are as they were. */
static bool read_entry(deed_cache *c, fh_span entry, fh_span key, fh_out fh_view(*2) fh_span *answer) {
    fh_span rest = entry, head, part, path;
    if (!take(&rest, HEAD_BYTES, &head) || fh_span_u64(head, 0) != MARK ||
        fh_span_u64(head, 8) != fh_hash_bytes(CHECKSUM_SEED, fh_span_from(entry, CHECKED_FROM)) ||
        fh_span_u64(head, 16) != c->identity)
        return false;
    if (!take(&rest, fh_span_u32(head, 24), &part) || !fh_span_equal(part, key) ||
        !take(&rest, fh_span_u32(head, 28), answer))
        return false;
    while (rest.size > 0) {
        if (!take(&rest, 12, &part) || !take(&rest, fh_span_u32(part, 8), &path) || hash_of(c, path) != fh_span_u64(part, 0))
            return false;
    }
    return true;
}

bool deed_cache_find(deed_cache *c, const deed_task *task, fh_span how, fh_buf *answer) {
    fh_buf key;
    fh_buf_init(&key, fh_heap(), 0);
    bool found = false;
    fh_os_map map;
    const char *path = fh_failed(put_key(c, task, how, &key)) ? NULL : entry_path(c, fh_buf_view(&key));
    if (path != NULL && !fh_failed(fh_os_map_open(path, &map, NULL))) {
        fh_span text;
        found = read_entry(c, map.bytes, fh_buf_view(&key), &text) && !fh_failed(fh_buf_put(answer, text));
        fh_os_map_close(&map);
    }
    fh_buf_deinit(&key);
    return found;
}

/* --- keeping -------------------------------------------------------------------------------------------------------------- */

static fh_status put_number(fh_buf *out, uint64_t value, size_t bytes) {
    uint8_t room[8];
    fh_mspan_put_u64((fh_mspan){room, sizeof room}, 0, value);
    return fh_buf_put(out, fh_span_sub((fh_span){room, sizeof room}, 0, bytes));
}

static fh_status put_input(fh_buf *out, uint64_t hash, fh_span path) {
    FH_TRY(put_number(out, hash, 8));
    FH_TRY(put_number(out, path.size, 4));
    return fh_buf_put(out, path);
}

static fh_span folder_of(fh_span path) {
    size_t end = path.size;
    while (end > 0 && fh_span_at(path, end - 1) != '/')
        end--;
    return end == 0 ? FH_LIT("./") : fh_span_sub(path, 0, end);
}

/* The folders that the arguments say to search, after the one of the file that includes. */
static size_t folders_searched(const deed_task *task, fh_views out) {
    static const char *const options[] = {"-I", "-iquote", "-isystem", "-idirafter"};
    size_t count = 1;
    for (size_t i = 0; i < task->args.count && count < out.count; i++) {
        fh_span word = fh_span_of_str(fh_deed_args_get(task->args, i));
        for (size_t k = 0; k < sizeof options / sizeof options[0]; k++) {
            fh_span option = fh_span_of_str(options[k]);
            if (fh_span_equal(word, option) && i + 1 < task->args.count)
                fh_views_set(out, count++, fh_span_of_str(fh_deed_args_get(task->args, ++i)));
            else if (fh_span_starts(word, option) && word.size > option.size)
                fh_views_set(out, count++, fh_span_from(word, option.size));
            else
                continue;
            break;
        }
    }
    return count;
}

/* The name by which a file was included, as far as its path tells. */
static fh_span included_name(fh_span path, fh_views folders) {
    size_t longest = 0;
    for (size_t i = 0; i < folders.count; i++) {
        fh_span folder = fh_views_get(folders, i);
        while (folder.size > 0 && fh_span_at(folder, folder.size - 1) == '/')
            folder = fh_span_sub(folder, 0, folder.size - 1);
        if (fh_span_starts(path, folder) && path.size > folder.size && fh_span_at(path, folder.size) == '/')
            longest = folder.size + 1 > longest ? folder.size + 1 : longest;
    }
    fh_span mark = FH_LIT("/include/");
    for (size_t at = fh_span_find(path, mark, 0); longest == 0 && at != SIZE_MAX;) {
        size_t next = fh_span_find(path, mark, at + 1);
        if (next == SIZE_MAX)
            longest = at + mark.size;
        at = next;
    }
    return fh_span_from(path, longest);
}

/* Where a file of this name would have been taken first. */
static fh_status put_absent(deed_cache *c, const deed_input *in, fh_views folders, fh_buf *out) {
    fh_span name = included_name(in->path, folders);
    for (size_t i = 0; i < folders.count; i++) {
        fh_span folder = fh_views_get(folders, i);
        bool slash = folder.size > 0 && fh_span_at(folder, folder.size - 1) == '/';
        const char *start = deed_copy_text(c->arena, folder, !slash ? FH_LIT("/") : (fh_span){0});
        const char *path = start == NULL ? NULL : deed_copy_text(c->arena, fh_span_of_str(start), name);
        if (path == NULL)
            return FH_STATUS(FH_NOMEM);
        if (fh_span_is(in->path, path))
            return FH_DONE;
        if (hash_of(c, fh_span_of_str(path)) == 0)
            FH_TRY(put_input(out, 0, fh_span_of_str(path)));
    }
    return FH_DONE;
}

static fh_status put_inputs(deed_cache *c, const deed_task *task, const deed_unit *unit, fh_buf *out) {
    fh_span room[DIRS_MAX];
    fh_views all = {room, DIRS_MAX}, folders = fh_views_sub(all, 0, folders_searched(task, all));
    for (size_t i = 0; i < unit->inputs.count; i++) {
        const deed_input *in = fh_deed_inputs_at(unit->inputs, i);
        FH_TRY(put_input(out, in->hash, in->path));
        if (in->includer.size == 0)
            continue;
        fh_views_set(folders, 0, folder_of(in->includer));
        FH_TRY(put_absent(c, in, folders, out));
    }
    return FH_DONE;
}

fh_status deed_cache_keep(deed_cache *c, const deed_task *task, fh_span how, const deed_unit *unit, fh_span answer) {
    for (size_t i = 0; i < unit->inputs.count; i++) {
        if (fh_deed_inputs_at(unit->inputs, i)->asks_for_files)
            return FH_DONE;
    }
    fh_buf key, body, head;
    fh_buf_init(&key, fh_heap(), 0);
    fh_buf_init(&body, fh_heap(), 0);
    fh_buf_init(&head, fh_heap(), 0);
    fh_status s = put_key(c, task, how, &key);
    const char *path = fh_failed(s) ? NULL : entry_path(c, fh_buf_view(&key));
    if (!fh_failed(s))
        s = put_number(&body, c->identity, 8);
    if (!fh_failed(s))
        s = put_number(&body, (uint64_t)answer.size << 32 | key.size, 8);
    if (!fh_failed(s))
        s = fh_buf_put(&body, fh_buf_view(&key));
    if (!fh_failed(s))
        s = fh_buf_put(&body, answer);
    if (!fh_failed(s))
        s = put_inputs(c, task, unit, &body);
    if (!fh_failed(s))
        s = put_number(&head, MARK, 8);
    if (!fh_failed(s))
        s = put_number(&head, fh_hash_bytes(CHECKSUM_SEED, fh_buf_view(&body)), 8);
    if (!fh_failed(s))
        s = path == NULL ? FH_STATUS(FH_NOMEM) : deed_file_write(path, fh_buf_view(&head), fh_buf_view(&body));
    fh_buf_deinit(&head);
    fh_buf_deinit(&body);
    fh_buf_deinit(&key);
    return s;
}
