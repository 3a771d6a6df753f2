/* SPDX-License-Identifier: Apache-2.0
 * tenon/export.h - what the other headers need to declare functions.
 */
#ifndef TN_EXPORT_H
#define TN_EXPORT_H

#ifdef __cplusplus
#define TN_BEGIN extern "C" {
#define TN_END }
#else
#define TN_BEGIN
#define TN_END
#endif

#if defined(__GNUC__)
#define TN_API __attribute__((visibility("default")))
#define TN_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define TN_API
#define TN_PRINTF(fmt, first)
#endif
/* Exported for the tenon command and the tests of this source tree alone:
 * declared in headers that are not installed, free to change at any time. */
#define TN_PRIVATE TN_API

#endif
