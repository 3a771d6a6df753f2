/* SPDX-License-Identifier: Apache-2.0
 * core/plugin/elf.c - what must be true of a shared object before dlopen sees it: the
 * dynamic loader trusts its input, and a truncated file would end the process (SIGBUS).
 */
#include "plugin/elf.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MOST_SYMBOLS (1u << 24)

/* The ELF header of libtenon itself, placed by the linker. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct image {
	const unsigned char *bytes;
	size_t size;
	ElfW(Ehdr) header;
	struct tn_call *call;
};

/* What the dynamic section says of the symbols; addresses are those in memory. */
struct symbols {
	uint64_t table, strings, strings_size, hash, gnu_hash;
	uint32_t n;
};

static const char *machine_name(unsigned machine, char *number, size_t room)
{
	static const struct { unsigned machine; const char *name; } names[] = {
		{ EM_386, "32-bit x86" }, { EM_X86_64, "x86-64" }, { EM_ARM, "32-bit ARM" },
		{ EM_AARCH64, "AArch64" }, { EM_PPC64, "64-bit PowerPC" },
		{ EM_S390, "s390" }, { EM_RISCV, "RISC-V" }, { EM_MIPS, "MIPS" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].machine == machine)
			return names[i].name;
	snprintf(number, room, "number %u", machine);
	return number;
}

/* Copies, since nothing in a file need be aligned. */
static bool get(const struct image *image, uint64_t offset, void *to, size_t bytes)
{
	if (offset > image->size || bytes > image->size - offset)
		return false;
	memcpy(to, image->bytes + offset, bytes);
	return true;
}

static bool get_segment(const struct image *image, unsigned i, ElfW(Phdr) *segment)
{
	uint64_t offset;

	return !__builtin_add_overflow((uint64_t)image->header.e_phoff,
		(uint64_t)i * sizeof(*segment), &offset) &&
		get(image, offset, segment, sizeof(*segment));
}

/* Reads from where a loaded segment will stand in memory. */
static bool get_at(const struct image *image, uint64_t address, void *to, size_t bytes)
{
	ElfW(Phdr) s;

	for (unsigned i = 0; i < image->header.e_phnum; i++) {
		if (!get_segment(image, i, &s))
			return false;
		if (s.p_type != PT_LOAD || address < s.p_vaddr ||
			address - s.p_vaddr >= s.p_filesz)
			continue;
		return bytes <= s.p_filesz - (address - s.p_vaddr) &&
			get(image, s.p_offset + (address - s.p_vaddr), to, bytes);
	}
	return false;
}

static int check_header(struct image *image)
{
	const ElfW(Ehdr) *h = &image->header, *own = &__ehdr_start;
	char found[24], expected[24];

	if (!image->size)
		return tn_fail(image->call, TN_EPLUGIN, "the file is empty");
	if (image->size < SELFMAG || memcmp(image->bytes, ELFMAG, SELFMAG))
		return tn_fail(image->call, TN_EPLUGIN, "this is no shared object (no ELF magic)");
	if (!get(image, 0, &image->header, sizeof(image->header)))
		return tn_fail(image->call, TN_EPLUGIN,
			"the file ends within the ELF header: %zu bytes, %zu expected",
			image->size, sizeof(image->header));
	if (h->e_ident[EI_CLASS] != own->e_ident[EI_CLASS])
		return tn_fail(image->call, TN_EPLUGIN, "ELF class %d, %d expected (%d bits)",
			h->e_ident[EI_CLASS], own->e_ident[EI_CLASS], __ELF_NATIVE_CLASS);
	if (h->e_ident[EI_DATA] != own->e_ident[EI_DATA])
		return tn_fail(image->call, TN_EPLUGIN, "made for another byte order");
	if (h->e_machine != own->e_machine)
		return tn_fail(image->call, TN_EPLUGIN, "made for the machine %s, this is %s",
			machine_name(h->e_machine, found, sizeof(found)),
			machine_name(own->e_machine, expected, sizeof(expected)));
	if (h->e_type != ET_DYN)
		return tn_fail(image->call, TN_EPLUGIN, "ELF type %d, a shared object (%d) expected",
			h->e_type, ET_DYN);
	return 0;
}

static int check_segments(const struct image *image, ElfW(Phdr) *dynamic)
{
	bool has_stack = false, has_load = false;
	ElfW(Phdr) s;

	if (image->header.e_phentsize != sizeof(s))
		return tn_fail(image->call, TN_EPLUGIN, "program headers of %d bytes, %zu expected",
			image->header.e_phentsize, sizeof(s));
	for (unsigned i = 0; i < image->header.e_phnum; i++) {
		if (!get_segment(image, i, &s))
			return tn_fail(image->call, TN_EPLUGIN,
				"the file ends within the program headers (truncated?)");
		if (s.p_filesz > image->size || s.p_offset > image->size - s.p_filesz)
			return tn_fail(image->call, TN_EPLUGIN, "segment %u lies in bytes %llu to "
				"%llu of a file of %zu (truncated?)", i,
				(unsigned long long)s.p_offset,
				(unsigned long long)s.p_offset + s.p_filesz, image->size);
		if (s.p_type == PT_LOAD && s.p_memsz < s.p_filesz)
			return tn_fail(image->call, TN_EPLUGIN,
				"segment %u is longer in the file than in memory", i);
		if (s.p_type == PT_GNU_STACK && s.p_flags & PF_X)
			return tn_fail(image->call, TN_EPLUGIN, "it asks for an executable stack "
				"(link it with -z noexecstack)");
		has_stack |= s.p_type == PT_GNU_STACK;
		has_load |= s.p_type == PT_LOAD;
		if (s.p_type == PT_DYNAMIC)
			*dynamic = s;
	}
	if (!has_load || dynamic->p_type != PT_DYNAMIC)
		return tn_fail(image->call, TN_EPLUGIN, "it has no %s segment",
			has_load ? "dynamic" : "loadable");
	/* Without the mark glibc gives x86 an executable stack. */
	if (!has_stack)
		return tn_fail(image->call, TN_EPLUGIN, "it does not say that its stack is not "
			"executable (link it with -z noexecstack)");
	return 0;
}

static bool read_dynamic(const struct image *image, const ElfW(Phdr) *dynamic,
	struct symbols *symbols)
{
	for (uint64_t at = 0; at + sizeof(ElfW(Dyn)) <= dynamic->p_filesz;
			at += sizeof(ElfW(Dyn))) {
		ElfW(Dyn) d;

		if (!get(image, dynamic->p_offset + at, &d, sizeof(d)))
			return false;
		if (d.d_tag == DT_NULL)
			break;
		else if (d.d_tag == DT_SYMTAB)
			symbols->table = d.d_un.d_ptr;
		else if (d.d_tag == DT_STRTAB)
			symbols->strings = d.d_un.d_ptr;
		else if (d.d_tag == DT_STRSZ)
			symbols->strings_size = d.d_un.d_val;
		else if (d.d_tag == DT_HASH)
			symbols->hash = d.d_un.d_ptr;
		else if (d.d_tag == DT_GNU_HASH)
			symbols->gnu_hash = d.d_un.d_ptr;
		else if (d.d_tag == DT_SYMENT && d.d_un.d_val != sizeof(ElfW(Sym)))
			return false;
	}
	return symbols->table && symbols->strings;
}

/* The GNU hash table holds no count: the last chain's end gives it. */
static bool count_by_gnu_hash(const struct image *image, struct symbols *symbols)
{
	struct { uint32_t n_buckets, first, n_bloom, shift; } table;
	uint64_t buckets, chains;
	uint32_t last = 0, hash;

	if (!get_at(image, symbols->gnu_hash, &table, sizeof(table)))
		return false;
	buckets = symbols->gnu_hash + sizeof(table) + (uint64_t)table.n_bloom * sizeof(ElfW(Addr));
	chains = buckets + (uint64_t)table.n_buckets * sizeof(uint32_t);
	if (table.n_buckets > MOST_SYMBOLS)
		return false;
	for (uint32_t i = 0; i < table.n_buckets; i++) {
		uint32_t bucket;

		if (!get_at(image, buckets + (uint64_t)i * sizeof(bucket), &bucket, sizeof(bucket)))
			return false;
		if (bucket > last)
			last = bucket;
	}
	if (last < table.first)		/* no symbol is defined */
		return true;
	for (; last < MOST_SYMBOLS; last++) {
		if (!get_at(image, chains + (uint64_t)(last - table.first) * sizeof(hash), &hash,
				sizeof(hash)))
			return false;
		if (hash & 1) {
			symbols->n = last + 1;
			return true;
		}
	}
	return false;
}

static bool count_symbols(const struct image *image, struct symbols *symbols)
{
	uint32_t counts[2];	/* buckets, chains: a chain for each symbol */

	if (symbols->gnu_hash)
		return count_by_gnu_hash(image, symbols);
	if (!symbols->hash || !get_at(image, symbols->hash, counts, sizeof(counts)))
		return false;
	symbols->n = counts[1];
	return symbols->n <= MOST_SYMBOLS;
}

static bool is_named(const struct image *image, const struct symbols *symbols, uint32_t name,
	const char *symbol)
{
	size_t bytes = strlen(symbol) + 1;
	char found[64];

	return name < symbols->strings_size && bytes <= symbols->strings_size - name &&
		bytes <= sizeof(found) &&
		get_at(image, symbols->strings + name, found, bytes) &&
		!memcmp(found, symbol, bytes);
}

static int check_symbol(const struct image *image, const struct symbols *symbols,
	const char *symbol)
{
	ElfW(Sym) s;

	for (uint32_t i = 1; i < symbols->n; i++) {
		if (!get_at(image, symbols->table + (uint64_t)i * sizeof(s), &s, sizeof(s)))
			return tn_fail(image->call, TN_EPLUGIN,
				"its symbol table lies outside its segments");
		if (s.st_shndx != SHN_UNDEF && (s.st_info & 15) == STT_FUNC &&
			is_named(image, symbols, s.st_name, symbol))
			return 0;
	}
	return tn_fail(image->call, TN_EPLUGIN, "it does not export the function %s, which every "
		"plugin has", symbol);
}

int tn_elf_check(const void *bytes, size_t size, const char *symbol, struct tn_call *call)
{
	struct image image = { .bytes = bytes, .size = size, .call = call };
	struct symbols symbols = { 0 };
	ElfW(Phdr) dynamic = { 0 };
	int error = check_header(&image);

	if (!error)
		error = check_segments(&image, &dynamic);
	if (error)
		return error;
	if (!read_dynamic(&image, &dynamic, &symbols) || !count_symbols(&image, &symbols))
		return tn_fail(call, TN_EPLUGIN, "its table of dynamic symbols is damaged");
	return check_symbol(&image, &symbols, symbol);
}
