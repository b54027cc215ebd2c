//! The reply store: one SQLite file in which a reply is durable before anything looks at it.
