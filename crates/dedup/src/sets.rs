//! Shingle sets, made when first asked for and kept as long as there is room.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::DedupError;
use crate::grams::Cutter;
use crate::texts::Texts;

/// Bytes that kept sets may take.
const ROOM: u64 = 192 << 20;

thread_local! {
    /// Where a set is made before it is kept, so that its memory is asked for once.
    static MAKING: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// A place holds the last set that was made for one of its rows, with that row's number.
type Slot = Mutex<Option<(u32, Arc<[u64]>)>>;

/// The sets of a search's texts.
#[derive(Debug)]
pub(crate) struct Sets {
    cutter: Cutter,
    slots: Vec<Slot>,
}

impl Sets {
    /// Room for the sets of all texts if they fit, else for as many of the average size as do.
    pub(crate) fn new(cutter: Cutter, texts: &Texts) -> Self {
        // A set has at most one hash of 8 bytes for each byte of its text, and 64 bytes around it.
        let average = 8 * texts.bytes() / (texts.len() as u64).max(1) + 64;
        let slots = (ROOM / average).clamp(1, (texts.len() as u64).max(1));
        Self {
            cutter,
            slots: (0..slots).map(|_| Slot::default()).collect(),
        }
    }

    /// The set of a row.
    pub(crate) fn get(&self, texts: &Texts, row: u32) -> Result<Arc<[u64]>, DedupError> {
        let slot = self.slots.get(row as usize % self.slots.len().max(1));
        if let Some(slot) = slot {
            let held = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, set)) = held.as_ref().filter(|(owner, _)| *owner == row) {
                return Ok(Arc::clone(set));
            }
        }
        let set: Arc<[u64]> = texts.with(row, |text| {
            MAKING.with_borrow_mut(|grams| {
                self.cutter.clone().set(text, grams);
                Arc::from(grams.as_slice())
            })
        })?;
        if let Some(slot) = slot {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((row, Arc::clone(&set)));
        }
        Ok(set)
    }
}
