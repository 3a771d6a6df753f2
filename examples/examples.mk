# SPDX-License-Identifier: Apache-2.0
# examples: pipelines, scripts and the demo model.
