/* SPDX-License-Identifier: Apache-2.0
 * plugins/tokenizers/unigram/spm.c - reading models of sentencepiece.
 * Source: sentencepiece 0.2.0, src/sentencepiece_model.proto.
 */
#include "spm.h"

#include <math.h>
#include <stdlib.h>

#include "proto.h"
#include "unicode/unicode.h"

#define MAX_SCORE 1e20f		/* sums of all that a text can have are finite */

#define MAX_PIECES ((size_t)1 << 24)

enum field {
	MODEL_PIECE = 1, MODEL_TRAINER = 2, MODEL_NORMALIZER = 3,
	PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3,
	TRAINER_TYPE = 3, TRAINER_SUFFIX = 24, TRAINER_BYTES = 35, TRAINER_UNK_SURFACE = 44,
	NORMALIZER_CHARSMAP = 2, NORMALIZER_PREFIX = 3, NORMALIZER_EXTRA = 4, NORMALIZER_ESCAPE = 5
};

static int check_text(const struct proto *p, struct tn_text text)
{
	for (size_t i = 0; i < text.len;) {
		uint32_t c;
		unsigned width = tok_decode(text.text + i, text.len - i, &c);

		if (!c || (c == TOK_REPLACEMENT &&
			(width < 3 || memcmp(text.text + i, "\xef\xbf\xbd", 3))))
			return tn_fail(p->call, TN_EDATA, "%s: byte %zu: a piece is not UTF-8 or "
				"holds NUL", p->name, (size_t)(text.text + i - p->file));
		i += width;
	}
	return 0;
}

static int read_piece(struct spm_piece *piece, struct proto *p, size_t place)
{
	struct proto_field f;
	uint32_t bits;
	int rc = 0;

	*piece = (struct spm_piece){ .type = SPM_NORMAL };
	while (!rc && proto_next(p, &f, &rc)) {
		if (f.number == PIECE_TEXT) {
			rc = proto_expect(p, &f, PROTO_BYTES, "a piece");
			piece->text = f.bytes;
		} else if (f.number == PIECE_SCORE) {
			rc = proto_expect(p, &f, PROTO_FIXED32, "a score");
			bits = (uint32_t)f.value;
			memcpy(&piece->score, &bits, sizeof(bits));
			if (!rc && !(fabsf(piece->score) <= MAX_SCORE))
				rc = tn_fail(p->call, TN_EDATA, "%s: byte %zu: the score %g, expected "
					"-1e+20 to 1e+20", p->name, f.place, (double)piece->score);
		} else if (f.number == PIECE_TYPE) {
			rc = proto_expect(p, &f, PROTO_VARINT, "the type of a piece");
			piece->type = (uint32_t)f.value;
			if (!rc && (!f.value || f.value > SPM_BYTE))
				rc = tn_fail(p->call, TN_EDATA, "%s: byte %zu: a piece of the type "
					"%llu, which is not known", p->name, f.place,
					(unsigned long long)f.value);
		}
	}
	if (!rc && !piece->text.len)
		rc = tn_fail(p->call, TN_EDATA, "%s: byte %zu: an empty piece", p->name, place);
	return rc ? rc : check_text(p, piece->text);
}

static int add_piece(struct spm *s, const struct proto *p, const struct proto_field *f)
{
	struct proto inside = proto_inside(p, f);
	size_t capacity = s->capacity ? s->capacity * 2 : 4096;
	struct spm_piece *pieces;

	if (proto_expect(p, f, PROTO_BYTES, "a piece"))
		return TN_EDATA;
	if (s->n_pieces == MAX_PIECES)
		return tn_fail(p->call, TN_EDATA, "%s: more than %zu pieces", p->name, MAX_PIECES);
	if (s->n_pieces == s->capacity) {
		pieces = realloc(s->pieces, capacity * sizeof(*pieces));
		if (!pieces)
			return tn_fail(p->call, TN_ENOMEM, "memory ran out for a vocabulary");
		s->pieces = pieces;
		s->capacity = capacity;
	}
	return read_piece(&s->pieces[s->n_pieces++], &inside, f->place);
}

static int read_trainer(struct spm *s, struct proto p)
{
	struct proto_field f;
	int rc = 0;

	while (!rc && proto_next(&p, &f, &rc)) {
		if (f.number == TRAINER_TYPE && (f.value < SPM_UNIGRAM || f.value > SPM_CHAR))
			rc = tn_fail(p.call, TN_EDATA, "%s: byte %zu: a model of the type %llu, "
				"expected 1 to 4 (Unigram, BPE, Word, Char)", p.name, f.place,
				(unsigned long long)f.value);
		else if (f.number == TRAINER_TYPE)
			s->model = (enum spm_model)f.value;
		else if (f.number == TRAINER_SUFFIX)
			s->suffix = f.value;
		else if (f.number == TRAINER_BYTES)
			s->byte_fallback = f.value;
		else if (f.number == TRAINER_UNK_SURFACE)
			s->unk_surface = f.bytes;
	}
	return rc;
}

static int read_rules(struct spm_rules *rules, struct proto p)
{
	struct proto_field f;
	int rc = 0;

	while (!rc && proto_next(&p, &f, &rc)) {
		if (f.number == NORMALIZER_CHARSMAP)
			rules->charsmap = f.bytes;
		else if (f.number == NORMALIZER_PREFIX)
			rules->dummy_prefix = f.value;
		else if (f.number == NORMALIZER_EXTRA)
			rules->remove_extra = f.value;
		else if (f.number == NORMALIZER_ESCAPE)
			rules->escape = f.value;
	}
	return rc;
}

static int read_model(struct spm *s, struct proto *p)
{
	struct proto_field f;
	int rc = 0;

	while (!rc && proto_next(p, &f, &rc)) {
		if (f.number == MODEL_PIECE)
			rc = add_piece(s, p, &f);
		else if (f.number == MODEL_TRAINER)
			rc = read_trainer(s, proto_inside(p, &f));
		else if (f.number == MODEL_NORMALIZER)
			rc = read_rules(&s->rules, proto_inside(p, &f));
	}
	return rc;
}

/* One unknown piece, and a trie of those that normalization leaves alone. */
static int index_pieces(struct spm *s, const char *path, struct tn_call *call)
{
	struct tok_key *keys = malloc((s->n_pieces + 1) * sizeof(*keys));
	size_t n = 0, kept = 0;
	int rc;

	if (!keys)
		return tn_fail(call, TN_ENOMEM, "memory ran out for a vocabulary");
	for (size_t i = 0; i < s->n_pieces; i++) {
		const struct spm_piece *piece = &s->pieces[i];

		if (piece->type == SPM_USER_DEFINED)
			keys[n++] = (struct tok_key){ piece->text.text, (uint32_t)piece->text.len,
				(int32_t)i };
		else if (piece->type == SPM_UNKNOWN && s->unk < 0)
			s->unk = (int32_t)i;
	}
	tok_keys_sort(keys, n);
	for (size_t i = 0; i < n; i++)
		if (!kept || keys[kept - 1].len != keys[i].len ||
			memcmp(keys[kept - 1].text, keys[i].text, keys[i].len))
			keys[kept++] = keys[i];
	rc = s->unk < 0 ? tn_fail(call, TN_EDATA, "%s: none of its %zu pieces is of the type "
		"unknown", path, s->n_pieces) : tok_trie_build(&s->user, keys, kept, call);
	free(keys);
	return rc;
}

int spm_read(struct spm *s, const char *path, struct tn_text file, struct tn_arena *arena,
	struct tn_call *call)
{
	struct proto p = proto_open(path, file, call);
	const char *what = tn_printf(call, "%s: precompiled_charsmap", path);
	int rc;

	*s = (struct spm){ .model = SPM_UNIGRAM, .unk = -1, .rules = { { NULL, 0 }, true, true, true },
		.unk_surface = { " \xe2\x81\x87 ", 5 } };
	rc = what ? read_model(s, &p) : TN_ENOMEM;
	if (!rc)
		rc = index_pieces(s, path, call);
	if (!rc && s->rules.charsmap.len)
		rc = tok_precompiled_read(&s->charsmap, s->rules.charsmap, what, arena, call);
	return rc;
}

void spm_free(struct spm *s)
{
	tok_trie_free(&s->trie);
	tok_trie_free(&s->user);
	free(s->pieces);
	*s = (struct spm){ 0 };
}
