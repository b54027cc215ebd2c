//! Vectors of texts in the store.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use evalwright_store::{ReplyStore, Selection, StoreError, embedding_key};

fn bits(vector: &[f32]) -> Vec<u32> {
    vector.iter().map(|number| number.to_bits()).collect()
}

#[test]
fn what_is_read_is_bit_for_bit_what_came_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    let store = ReplyStore::open(&path).unwrap();
    let model = support::model();
    let odd = vec![0.1, -0.0, f32::MIN_POSITIVE / 2.0, -0.994_987_4];
    store
        .put_embeddings(&model, &[("one", odd.clone()), ("", vec![1.0])])
        .unwrap();
    store
        .put_embeddings(
            &model,
            &[("one", vec![1.0, 0.0, 0.0, 0.0]), ("two", vec![0.5])],
        )
        .unwrap();
    drop(store);
    let store = ReplyStore::open(&path).unwrap();
    let keys = ["one", "two", "", "three"].map(|text| embedding_key(&model, text));
    let found = store.embeddings(&keys).unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(bits(&found[&keys[0]]), bits(&odd));
    assert_eq!(bits(&found[&keys[1]]), bits(&[0.5]));
    assert_eq!(store.count().unwrap(), 0, "vectors are no replies");
    assert!(store.check().unwrap().problems.is_empty());
}

#[test]
fn another_model_has_other_keys() {
    let model = support::model();
    let mut other = model.clone();
    other.engine.push('2');
    assert_ne!(embedding_key(&model, "one"), embedding_key(&other, "one"));
    assert_ne!(embedding_key(&model, "one"), embedding_key(&model, "one "));
}

#[test]
fn what_is_no_vector_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = ReplyStore::open(&folder.path().join("replies.db")).unwrap();
    let model = support::model();
    for bad in [vec![], vec![1.0, f32::NAN], vec![f32::INFINITY]] {
        let error = store
            .put_embeddings(&model, &[("good", vec![1.0]), ("bad", bad)])
            .unwrap_err();
        assert!(matches!(error, StoreError::NotStorable { .. }), "{error}");
    }
    assert_eq!(store.count_embeddings(&Selection::default()).unwrap(), 0);
}

#[test]
fn a_damaged_vector_is_told_of_and_pruning_takes_vectors_by_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replies.db");
    let store = ReplyStore::open(&path).unwrap();
    let model = support::model();
    let mut other = model.clone();
    other.name = "local/other".to_owned();
    let vectors = [("one", vec![1.0]), ("two", vec![1.0])];
    store.put_embeddings(&model, &vectors).unwrap();
    store.put_embeddings(&other, &vectors).unwrap();
    let key = embedding_key(&model, "one");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute(
            "UPDATE embeddings SET vector = x'0102' WHERE key = ?1",
            [key.to_string()],
        )
        .unwrap();
    let error = store.embeddings(&[key]).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert_eq!(store.check().unwrap().problems.len(), 1);
    let by_model = Selection {
        model: Some(model.name.clone()),
        ..Selection::default()
    };
    let failed = Selection {
        failed: true,
        ..Selection::default()
    };
    assert_eq!(store.would_prune(&failed).unwrap().embeddings, 0);
    assert_eq!(store.would_prune(&by_model).unwrap().embeddings, 2);
    assert_eq!(store.prune(&by_model).unwrap().embeddings, 2);
    assert!(store.check().unwrap().problems.is_empty());
    assert_eq!(store.count_embeddings(&Selection::default()).unwrap(), 2);
}
