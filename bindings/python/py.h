/* py.h: what the files of the extension module share: errors, texts and buffers that come from Python, memory that goes there,
 * and the team of threads.
 *
 * The module keeps nothing global: state belongs to a module object, types are made from specifications, so that any number of
 * interpreters may import it. It is written for the limited API of 3.11. The classes that people use are Python (freehold/);
 * here is only what has to touch Python's pointers or the library.
 *
 * Threading: functions are called with the GIL held, except where they say otherwise; work is done without it. Objects and
 * buffers that work looks into are held by a reference until it is over. */
#ifndef FREEHOLD_PY_H
#define FREEHOLD_PY_H

#define Py_LIMITED_API 0x030b0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "freehold/alloc.h"
#include "freehold/bytes.h"
#include "freehold/os.h"
#include "freehold/tokenizer.h"

/* The team behind a parallel-for that any thread may run, also after a fork: whoever finds the team in use, or cannot have one,
 * does the parts alone. */
typedef struct py_pool {
    fh_par par;
    fh_team *team; /* NULL: none yet, or lost in a fork */
    uint32_t busy;
} py_pool;

/* What belongs to a module object. */
typedef struct py_state {
    py_pool pool;
    PyTypeObject *generator_type, *tokenizer_type, *encodings_type;
} py_state;

fh_ref py_state *py_state_of(fh_ref PyObject *module) fh_view(1);
fh_ref py_state *py_state_of_type(fh_ref PyTypeObject *type) fh_view(1);

/* Raises what a failed status stands for, with the report's text. Always NULL. */
fh_static fh_or_null PyObject *py_raise(fh_status status, fh_ref fh_or_null const fh_err *err);

/* Texts of a sequence of str or bytes, as UTF-8. `held` keeps the objects, and so the bytes, alive. */
typedef struct py_texts {
    PyObject *held;
    fh_views views;
} py_texts;
/* False with an exception. */
bool py_texts_open(fh_ref PyObject *sequence, bool bytes_too, fh_owned py_texts *out);
void py_texts_close(fh_drop py_texts *texts);
/* A new str; bytes that are no UTF-8 become lone surrogates, each its own. NULL with an exception. */
fh_owned_or_null PyObject *py_string_of(fh_span text);

/* The contiguous bytes of an object with the buffer interface: whole elements of `size` bytes, aligned to that. False with an
 * exception. */
bool py_buffer_open(fh_ref PyObject *object, size_t size, fh_owned Py_buffer *out);
fh_span py_buffer_bytes(fh_ref const Py_buffer *b) fh_view(1);
fh_f32s py_buffer_f32s(fh_ref const Py_buffer *b) fh_view(1);
fh_u64s py_buffer_u64s(fh_ref const Py_buffer *b) fh_view(1);
fh_u32s py_buffer_u32s(fh_ref const Py_buffer *b) fh_view(1);

/* A new bytes object with room for `count` elements of `size` bytes, and where they are; NULL with an exception. It may be
 * written until somebody else sees it. */
fh_owned_or_null PyObject *py_bytes_new(size_t count, size_t size, fh_out void **at);

/* What puts bytes into an fh_os_writer, as a sink; its end: the file appears if `s` is no failure, and *err says why not; and a
 * file as bytes that stay mapped while somebody has them. All without the GIL. */
FH_MUST_USE fh_status py_put_file(fh_mut void *writer, fh_span bytes, fh_mut fh_err *err);
FH_MUST_USE fh_status py_end_file(fh_move fh_os_writer *writer, fh_status s, fh_mut fh_err *err);
FH_MUST_USE fh_status py_map_file(fh_ref const char *path, fh_owned fh_bytes *out, fh_mut fh_err *err);

/* A zeroed object of a type of this module, or NULL with an exception; and its end, after what it owns has ended. */
fh_owned_or_null PyObject *py_object_new(fh_ref PyTypeObject *type);
void py_object_free(fh_drop PyObject *self);

/* A handle of the tokenizer inside a Tokenizer. */
fh_owned fh_tokenizer *py_tokenizer_share(fh_ref PyObject *tokenizer);

/* The functions and types of the other files. */
fh_owned_or_null PyObject *py_tokenize_batch(fh_ref PyObject *module, fh_ref PyObject *texts);
fh_owned_or_null PyObject *py_split_columns(fh_ref PyObject *module, fh_ref PyObject *texts);
fh_owned_or_null PyObject *py_count_tokens(fh_ref PyObject *module, fh_ref PyObject *texts);
fh_owned_or_null PyObject *py_cut(fh_ref PyObject *module, fh_ref PyObject *args);
extern PyType_Spec py_flat_spec, py_hnsw_spec, py_model_spec, py_generator_spec, py_tokenizer_spec, py_encodings_spec,
    py_stream_spec, py_train_words_spec;

#endif
