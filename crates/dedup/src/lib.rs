//! Exact, normalised and near duplicates with order-independent survivors.
