/* sealed.c: writes and checks what the files of indexes have in common (sealed.h). Threading: sealed.h. */
#include "index/sealed.h"

#include "freehold/hash.h"

/* Where the checksum of a header lies: at its end. */
static size_t sum_at(const fh_sealed_kind *kind) {
    return kind->header_bytes - FH_SEALED_SUM_BYTES;
}

fh_status fh_sealed_put(fh_sealed *o, fh_span piece, fh_err *err) {
    o->sum = fh_hash_bytes(o->sum, piece);
    return o->sink.put(o->sink.ctx, piece, err);
}

fh_status fh_sealed_header(fh_sealed *o, const fh_sealed_kind *kind, fh_mspan header, fh_err *err) {
    FH_ASSERT(header.size == kind->header_bytes);
    fh_span_copy(header, fh_span_of_str(kind->letters));
    fh_mspan_put_u32(header, FH_SEALED_VERSION_AT, kind->version);
    fh_span all = fh_span_of_mut(header);
    fh_mspan_put_u64(header, sum_at(kind), fh_hash_bytes(0, fh_span_sub(all, 0, sum_at(kind))));
    return fh_sealed_put(o, all, err);
}

fh_status fh_sealed_end(fh_sealed *o, fh_err *err) {
    uint64_t word = 0;
    fh_mspan end = fh_u64s_bytes((fh_u64s){&word, 1});
    fh_mspan_put_u64(end, 0, o->sum);
    return fh_sealed_put(o, fh_span_of_mut(end), err);
}

fh_status fh_sealed_check_header(const fh_sealed_kind *kind, fh_span file, fh_err *err) {
    if (file.size < kind->header_bytes)
        return fh_fail(err, FH_CORRUPT, file.size, "%s of %zu bytes, expected at least %zu", kind->name, file.size,
                       kind->header_bytes);
    if (!fh_span_starts(file, fh_span_of_str(kind->letters)))
        return fh_fail(err, FH_CORRUPT, 0, "no %s: it begins with other bytes than %s", kind->name, kind->letters);
    uint32_t version = fh_span_u32(file, FH_SEALED_VERSION_AT);
    if (version != kind->version)
        return fh_fail(err, FH_UNSUPPORTED, FH_SEALED_VERSION_AT, "version %u of the %s, expected %u", version, kind->name,
                       kind->version);
    uint64_t sum = fh_hash_bytes(0, fh_span_sub(file, 0, sum_at(kind))), stated = fh_span_u64(file, sum_at(kind));
    if (sum != stated)
        return fh_fail(err, FH_CORRUPT, sum_at(kind), "checksum %016llx of the header, expected %016llx",
                       (unsigned long long)stated, (unsigned long long)sum);
    return FH_DONE;
}

fh_status fh_sealed_check_end(const fh_sealed_kind *kind, fh_span file, uint64_t at, uint64_t sum, fh_err *err) {
    uint64_t stated = fh_span_u64(file, (size_t)at);
    if (stated != sum)
        return fh_fail(err, FH_CORRUPT, at, "checksum %016llx of the %s, expected %016llx", (unsigned long long)stated,
                       kind->name, (unsigned long long)sum);
    return FH_DONE;
}
