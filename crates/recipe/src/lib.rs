//! Behaviour files, kind folders and their prompts.
