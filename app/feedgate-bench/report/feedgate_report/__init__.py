# SPDX-License-Identifier: MIT
"""The page of feedgate-bench report. All text of the input files is untrusted: text.clean() and autoescape treat it."""
