//! Published versions on disk: rows, rejects, manifest and card, all or nothing.
