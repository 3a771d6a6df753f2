/* SPDX-License-Identifier: Apache-2.0
 * core/train/story.h - what a run's log tells, as curves, as a report and as a model card.
 */
#ifndef TN_TRAIN_STORY_H
#define TN_TRAIN_STORY_H

#include "train/run.h"

/** Writes curves.svg, report.html and README.md into the directory of a run that has ended.  Errors: TN_EIO,
 *  TN_ENOMEM. */
int run_tell_story(struct run *r, struct tn_call *call);

#endif
