/* SPDX-License-Identifier: Apache-2.0
 * heads/bio-crf/tags.c - labels as tags of spans.
 */
#include "tags.h"

#include <string.h>

static struct tag read_tag(const char *label)
{
	static const char letters[] = "BIESLU", places[] = "BIESES";
	const char *at = *label ? strchr(letters, *label) : NULL;

	if (!strcmp(label, "O"))
		return (struct tag){ .place = 'O', .name = label };
	if (!at || (label[1] && label[1] != '-'))
		return (struct tag){ .place = 0, .name = label };
	return (struct tag){ .place = places[at - letters], .name = label[1] ? label + 2 : "_" };
}

static enum scheme guess(const struct tag *tags, size_t n)
{
	enum scheme scheme = SCHEME_IO;

	for (size_t i = 0; i < n; i++) {
		if (!tags[i].place)
			return SCHEME_IO;
		if (tags[i].place == 'E' || tags[i].place == 'S')
			scheme = SCHEME_BIOES;
		else if (tags[i].place == 'B' && scheme == SCHEME_IO)
			scheme = SCHEME_BIO;
	}
	return scheme;
}

enum scheme tags_read(const char *const *labels, size_t n, enum scheme scheme, struct tag *tags,
	size_t *wrong)
{
	static const char *const places[] = { "", "BIO", "BIESO", "IO" };

	for (size_t i = 0; i < n; i++)
		tags[i] = read_tag(labels[i]);
	if (scheme == SCHEME_AUTO)
		scheme = guess(tags, n);
	for (size_t i = 0; i < n; i++) {
		if (scheme == SCHEME_IO && (!tags[i].place || !strchr("IO", tags[i].place)))
			tags[i] = (struct tag){ .place = 'I', .name = labels[i] };
		if (!tags[i].place || !strchr(places[scheme], tags[i].place)) {
			*wrong = i;
			return SCHEME_AUTO;
		}
		tags[i].type = (uint32_t)i;
		for (size_t k = 0; k < i && tags[i].place != 'O'; k++)
			if (tags[k].place != 'O' && !strcmp(tags[k].name, tags[i].name)) {
				tags[i].type = tags[k].type;
				break;
			}
	}
	return scheme;
}

/* Whether a span that the tag is in may go on behind it, or has been going on before. */
static bool open_behind(const struct tag *tag)
{
	return tag->place == 'B' || tag->place == 'I';
}

static bool open_before(const struct tag *tag)
{
	return tag->place == 'I' || tag->place == 'E';
}

bool tag_may_begin(enum scheme scheme, const struct tag *tag)
{
	return scheme == SCHEME_IO || !open_before(tag);
}

bool tag_may_follow(enum scheme scheme, const struct tag *a, const struct tag *b)
{
	if (scheme == SCHEME_IO)
		return true;
	if (open_before(b))
		return open_behind(a) && a->type == b->type;
	return scheme == SCHEME_BIO || !open_behind(a);
}

bool tag_may_end(enum scheme scheme, const struct tag *tag)
{
	return scheme != SCHEME_BIOES || !open_behind(tag);
}

bool tag_continues(const struct tag *a, const struct tag *b)
{
	return open_behind(a) && open_before(b) && a->type == b->type;
}
