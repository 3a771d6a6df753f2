/* SPDX-License-Identifier: Apache-2.0
 * onednn/api.h - the C interfaces of oneDNN 2.x and 3.x under one set of names.
 *
 * Memory descriptors are values in 2.x and owned pointers in 3.x; operation
 * descriptors are gone in 3.x.
 */
#ifndef TN_ONEDNN_API_H
#define TN_ONEDNN_API_H

#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t md_ref;
#else
typedef const dnnl_memory_desc_t *md_ref;
#endif

/** A memory descriptor; zeroed: none.  md_finish gives it back. */
struct md {
	dnnl_memory_desc_t desc;
};

static inline md_ref md_of(const struct md *md)
{
#if DNNL_VERSION_MAJOR >= 3
	return md->desc;
#else
	return &md->desc;
#endif
}

static inline int md_equal(md_ref a, md_ref b)
{
	return dnnl_memory_desc_equal(a, b);
}

static inline size_t md_bytes(md_ref md)
{
	return dnnl_memory_desc_get_size(md);
}

/** F32 [rows][cols], or [rows] with cols 0.  Returns what oneDNN returns. */
static inline dnnl_status_t md_init(struct md *md, dnnl_dim_t rows, dnnl_dim_t cols,
	dnnl_format_tag_t tag)
{
	const dnnl_dims_t dims = { rows, cols };
	const int n = cols ? 2 : 1;

#if DNNL_VERSION_MAJOR >= 3
	return dnnl_memory_desc_create_with_tag(&md->desc, n, dims, dnnl_f32, tag);
#else
	return dnnl_memory_desc_init_by_tag(&md->desc, n, dims, dnnl_f32, tag);
#endif
}

static inline dnnl_status_t md_copy(struct md *to, md_ref from)
{
#if DNNL_VERSION_MAJOR >= 3
	return dnnl_memory_desc_clone(&to->desc, from);
#else
	to->desc = *from;
	return dnnl_success;
#endif
}

static inline void md_finish(struct md *md)
{
#if DNNL_VERSION_MAJOR >= 3
	dnnl_memory_desc_destroy(md->desc);
	md->desc = NULL;
#else
	(void)md;
#endif
}

static inline dnnl_status_t append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha)
{
#if DNNL_VERSION_MAJOR >= 3
	return dnnl_post_ops_append_eltwise(ops, kind, alpha, 0.0f);
#else
	return dnnl_post_ops_append_eltwise(ops, 1.0f, kind, alpha, 0.0f);
#endif
}

/** An inner product for inference: y [R][O] = x [R][I] w [O][I]^T + bias [O]; bias
 *  may be NULL. */
static inline dnnl_status_t inner_product(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
	md_ref x, md_ref w, md_ref bias, md_ref y, const_dnnl_primitive_attr_t attr)
{
#if DNNL_VERSION_MAJOR >= 3
	return dnnl_inner_product_forward_primitive_desc_create(pd, engine,
		dnnl_forward_inference, x, w, bias, y, attr);
#else
	dnnl_inner_product_desc_t desc;
	dnnl_status_t status = dnnl_inner_product_forward_desc_init(&desc,
		dnnl_forward_inference, x, w, bias, y);

	if (status != dnnl_success)
		return status;
	return dnnl_primitive_desc_create(pd, &desc, attr, engine, NULL);
#endif
}

#endif
