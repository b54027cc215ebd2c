//! GGUF headers, read as hostile input: no length is believed before it is held against the file's size.
//!
//! Invariant: everything in a [`GgufFile`] lies inside the file, so reading a tensor afterwards cannot run
//! past the end, and the header takes no more memory than the bytes that are really there and 64 MiB: small
//! values take more room in memory than in the file, so their number is limited too.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use candle_core::quantized::GgmlDType;

use crate::error::LocalError;

/// The header and tensor table of one GGUF file.
#[derive(Debug)]
pub struct GgufFile {
    path: PathBuf,
    metadata: BTreeMap<String, MetadataValue>,
    tensors: BTreeMap<String, TensorInfo>,
}

/// A metadata value.
#[derive(Debug, Clone, PartialEq)]
pub enum MetadataValue {
    /// Any of the integer types that fits.
    Integer(i64),
    /// A 64-bit value beyond the signed range.
    Unsigned(u64),
    /// Either float type.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<MetadataValue>),
}

/// Where a tensor lies and how it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Sizes, slowest first: a matrix of `[outputs, inputs]`.
    pub dimensions: Vec<usize>,
    /// How the numbers are stored.
    pub format: GgmlDType,
    /// First byte in the file.
    pub start: u64,
    /// Length in bytes.
    pub bytes: usize,
}

const MAGIC: &[u8; 4] = b"GGUF";
/// The GGUF specification's default for `general.alignment`.
const DEFAULT_ALIGNMENT: u64 = 32;
/// GGUF allows four dimensions.
const MOST_DIMENSIONS: u32 = 4;
/// Lists of lists are legal in the format but no known file has them.
const DEEPEST_LIST: u32 = 2;
/// Values of all metadata together, list entries counted one by one; at 24 bytes a value these take 48 MiB.
/// The largest vocabularies known (262,144 tokens with scores, types and 512,000 merges) stay below.
const MOST_VALUES: u64 = 1 << 21;
/// Metadata keys, and tensors, that a file may have: a hundred times what the largest known models need.
const MOST_NAMES: u64 = 1 << 16;

impl GgufFile {
    /// Reads and checks the header of a GGUF file (versions 2 and 3, little-endian).
    ///
    /// # Errors
    /// When the file cannot be read, is no GGUF file, was cut, or promises more than it holds.
    pub fn open(path: &Path) -> Result<Self, LocalError> {
        let read_error = |source| LocalError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(read_error)?;
        let size = file.metadata().map_err(read_error)?.len();
        let mut header = Header {
            path,
            input: BufReader::new(file),
            position: 0,
            size,
            values: 0,
        };
        let magic: [u8; 4] = header.bytes("the magic number")?;
        if &magic != MAGIC {
            return Err(
                header.damaged("this is not a GGUF file: it does not start with `GGUF`".to_owned())
            );
        }
        let version = header.u32("the version")?;
        if !(2..=3).contains(&version) {
            return Err(LocalError::Unsupported {
                path: path.to_owned(),
                problem: format!("GGUF version {version} is not known; versions 2 and 3 are"),
            });
        }
        let tensor_count = header.u64("the number of tensors")?;
        let metadata_count = header.u64("the number of metadata keys")?;
        // Name length, dimension count, one dimension, type and offset: no table entry is shorter.
        header.promised(tensor_count, 32, "tensors")?;
        header.promised(metadata_count, 12, "metadata keys")?;
        for (count, what) in [(tensor_count, "tensors"), (metadata_count, "metadata keys")] {
            if count > MOST_NAMES {
                return Err(header.damaged(format!("{count} {what} are more than any model has")));
            }
        }

        let mut metadata = BTreeMap::new();
        for _ in 0..metadata_count {
            let key = header.text("a metadata key")?;
            let kind = header.u32(&key)?;
            let value = header.value(&key, kind, 0)?;
            if metadata.insert(key.clone(), value).is_some() {
                return Err(header.damaged(format!("metadata `{key}` stands in the header twice")));
            }
        }
        let alignment = match metadata
            .get("general.alignment")
            .and_then(MetadataValue::as_u64)
        {
            None => DEFAULT_ALIGNMENT,
            Some(alignment) if alignment.is_power_of_two() && alignment <= 1 << 20 => alignment,
            Some(alignment) => {
                return Err(header.damaged(format!(
                    "`general.alignment` is {alignment}, no power of two"
                )));
            }
        };
        let mut relative = Vec::new();
        for _ in 0..tensor_count {
            relative.push(header.tensor()?);
        }
        let data = header.position.div_ceil(alignment) * alignment;
        let mut tensors = BTreeMap::new();
        for (name, mut info) in relative {
            let start = data.checked_add(info.start);
            let end = start.and_then(|start| start.checked_add(info.bytes as u64));
            match (start, end) {
                (Some(start), Some(end)) if end <= size => info.start = start,
                _ => {
                    return Err(header.damaged(format!(
                        "the file is incomplete: tensor `{name}` needs {} bytes and the file ends at byte {size}; \
                         fetch it again",
                        info.bytes
                    )));
                }
            }
            if tensors.insert(name.clone(), info).is_some() {
                return Err(header.damaged(format!("tensor `{name}` stands in the table twice")));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            metadata,
            tensors,
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A metadata value.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&MetadataValue> {
        self.metadata.get(key)
    }

    /// A tensor's place.
    ///
    /// # Errors
    /// When the file has no such tensor.
    pub fn tensor(&self, name: &str) -> Result<&TensorInfo, LocalError> {
        self.tensors
            .get(name)
            .ok_or_else(|| self.damaged(format!("tensor `{name}` is missing")))
    }

    /// Whether the file has a tensor of this name.
    #[must_use]
    pub fn has_tensor(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The raw bytes of a tensor.
    ///
    /// # Errors
    /// When the file has no such tensor or cannot be read.
    pub fn tensor_bytes(&self, name: &str) -> Result<Vec<u8>, LocalError> {
        let info = self.tensor(name)?;
        let read_error = |source| LocalError::Read {
            path: self.path.clone(),
            source,
        };
        let mut file = File::open(&self.path).map_err(read_error)?;
        file.seek(SeekFrom::Start(info.start)).map_err(read_error)?;
        let mut bytes = vec![0; info.bytes];
        file.read_exact(&mut bytes).map_err(read_error)?;
        Ok(bytes)
    }

    /// A whole number that the model cannot do without.
    ///
    /// # Errors
    /// When it is missing or no whole number.
    pub fn count(&self, key: &str) -> Result<usize, LocalError> {
        self.metadata(key)
            .and_then(MetadataValue::as_u64)
            .and_then(|value| usize::try_from(value).ok())
            .ok_or_else(|| {
                self.damaged(format!("metadata `{key}` is missing or is no whole number"))
            })
    }

    /// A text that the model cannot do without.
    ///
    /// # Errors
    /// When it is missing or no text.
    pub fn text(&self, key: &str) -> Result<&str, LocalError> {
        self.metadata(key)
            .and_then(MetadataValue::as_text)
            .ok_or_else(|| self.damaged(format!("metadata `{key}` is missing or is no text")))
    }

    /// A list that the model cannot do without.
    ///
    /// # Errors
    /// When it is missing or no list.
    pub fn list(&self, key: &str) -> Result<&[MetadataValue], LocalError> {
        match self.metadata(key) {
            Some(MetadataValue::List(items)) => Ok(items),
            _ => Err(self.damaged(format!("metadata `{key}` is missing or is no list"))),
        }
    }

    /// An error about this file's content.
    #[must_use]
    pub fn damaged(&self, problem: String) -> LocalError {
        LocalError::Damaged {
            path: self.path.clone(),
            problem,
        }
    }

    /// An error about something this engine does not know.
    #[must_use]
    pub fn unsupported(&self, problem: String) -> LocalError {
        LocalError::Unsupported {
            path: self.path.clone(),
            problem,
        }
    }
}

impl MetadataValue {
    /// The value as a whole number from 0.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Integer(value) => u64::try_from(*value).ok(),
            Self::Unsigned(value) => Some(*value),
            _ => None,
        }
    }

    /// The value as a number.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Integer(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// The value as text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value as a truth value.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }
}

struct Header<'a> {
    path: &'a Path,
    input: BufReader<File>,
    position: u64,
    size: u64,
    /// Metadata values read so far.
    values: u64,
}

impl Header<'_> {
    fn damaged(&self, problem: String) -> LocalError {
        LocalError::Damaged {
            path: self.path.to_owned(),
            problem,
        }
    }

    fn remaining(&self) -> u64 {
        self.size.saturating_sub(self.position)
    }

    fn promised(&self, count: u64, least_bytes: u64, what: &str) -> Result<(), LocalError> {
        if count
            .checked_mul(least_bytes)
            .is_some_and(|needed| needed <= self.remaining())
        {
            return Ok(());
        }
        let left = self.remaining();
        Err(self.damaged(format!(
            "the file is incomplete or damaged: its header promises {count} {what} and {left} bytes are left; fetch it again"
        )))
    }

    fn bytes<const N: usize>(&mut self, what: &str) -> Result<[u8; N], LocalError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes, what)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8], what: &str) -> Result<(), LocalError> {
        if bytes.len() as u64 > self.remaining() {
            return Err(self.damaged(format!(
                "the file is incomplete: it ends inside {what}; fetch it again"
            )));
        }
        self.input
            .read_exact(bytes)
            .map_err(|source| LocalError::Read {
                path: self.path.to_owned(),
                source,
            })?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    fn u32(&mut self, what: &str) -> Result<u32, LocalError> {
        self.bytes(what).map(u32::from_le_bytes)
    }

    fn u64(&mut self, what: &str) -> Result<u64, LocalError> {
        self.bytes(what).map(u64::from_le_bytes)
    }

    fn text(&mut self, what: &str) -> Result<String, LocalError> {
        let length = self.u64(what)?;
        if length > self.remaining() {
            let left = self.remaining();
            return Err(self.damaged(format!(
                "the file is incomplete or damaged: {what} is said to be {length} bytes long and {left} are left; \
                 fetch it again"
            )));
        }
        let length =
            usize::try_from(length).map_err(|_| self.damaged(format!("{what} is too long")))?;
        let mut bytes = vec![0; length];
        self.fill(&mut bytes, what)?;
        String::from_utf8(bytes).map_err(|_| self.damaged(format!("{what} is not valid UTF-8")))
    }

    fn value(&mut self, key: &str, kind: u32, depth: u32) -> Result<MetadataValue, LocalError> {
        Ok(match kind {
            0 => MetadataValue::Integer(i64::from(u8::from_le_bytes(self.bytes(key)?))),
            1 => MetadataValue::Integer(i64::from(i8::from_le_bytes(self.bytes(key)?))),
            2 => MetadataValue::Integer(i64::from(u16::from_le_bytes(self.bytes(key)?))),
            3 => MetadataValue::Integer(i64::from(i16::from_le_bytes(self.bytes(key)?))),
            4 => MetadataValue::Integer(i64::from(u32::from_le_bytes(self.bytes(key)?))),
            5 => MetadataValue::Integer(i64::from(i32::from_le_bytes(self.bytes(key)?))),
            6 => MetadataValue::Float(f64::from(f32::from_le_bytes(self.bytes(key)?))),
            7 => MetadataValue::Bool(self.bytes::<1>(key)? != [0]),
            8 => MetadataValue::Text(self.text(key)?),
            9 => {
                if depth >= DEEPEST_LIST {
                    return Err(self.damaged(format!("metadata `{key}` nests lists too deeply")));
                }
                let item_kind = self.u32(key)?;
                let count = self.u64(key)?;
                self.promised(
                    count,
                    least_bytes(item_kind),
                    &format!("entries of `{key}`"),
                )?;
                self.values = self.values.saturating_add(count);
                if self.values > MOST_VALUES {
                    return Err(self.damaged(format!(
                        "the {count} entries of `{key}` are more than any model has"
                    )));
                }
                // Exact, because growing by doubling would hold the list one and a half times.
                let mut items = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
                for _ in 0..count {
                    items.push(self.value(key, item_kind, depth + 1)?);
                }
                MetadataValue::List(items)
            }
            10 => {
                let value = self.u64(key)?;
                i64::try_from(value).map_or(MetadataValue::Unsigned(value), MetadataValue::Integer)
            }
            11 => MetadataValue::Integer(i64::from_le_bytes(self.bytes(key)?)),
            12 => MetadataValue::Float(f64::from_le_bytes(self.bytes(key)?)),
            other => {
                return Err(self.damaged(format!("metadata `{key}` has the unknown type {other}")));
            }
        })
    }

    /// One entry of the tensor table; `start` is still relative to the data.
    fn tensor(&mut self) -> Result<(String, TensorInfo), LocalError> {
        let name = self.text("a tensor's name")?;
        let rank = self.u32(&name)?;
        if rank == 0 || rank > MOST_DIMENSIONS {
            return Err(self.damaged(format!(
                "tensor `{name}` has {rank} dimensions; 1 to 4 are possible"
            )));
        }
        let mut dimensions = Vec::new();
        let mut numbers = 1_u64;
        for _ in 0..rank {
            let dimension = self.u64(&name)?;
            if dimension == 0 {
                return Err(self.damaged(format!("tensor `{name}` has a dimension of 0")));
            }
            numbers = numbers.checked_mul(dimension).ok_or_else(|| {
                self.damaged(format!("the dimensions of tensor `{name}` are too large"))
            })?;
            let dimension = usize::try_from(dimension).map_err(|_| {
                self.damaged(format!("a dimension of tensor `{name}` is too large"))
            })?;
            dimensions.push(dimension);
        }
        // The file lists the fastest dimension first.
        let row = dimensions.first().copied().unwrap_or(1);
        dimensions.reverse();
        let kind = self.u32(&name)?;
        let format = storage_format(kind).ok_or_else(|| LocalError::Unsupported {
            path: self.path.to_owned(),
            problem: format!(
                "tensor `{name}` is stored as type {kind}, which this engine does not read"
            ),
        })?;
        if row % format.block_size() != 0 {
            return Err(self.damaged(format!(
                "a row of tensor `{name}` is not a whole number of blocks"
            )));
        }
        let bytes = (numbers / format.block_size() as u64)
            .checked_mul(format.type_size() as u64)
            .and_then(|bytes| usize::try_from(bytes).ok())
            .ok_or_else(|| self.damaged(format!("tensor `{name}` is too large")))?;
        let start = self.u64(&name)?;
        Ok((
            name,
            TensorInfo {
                dimensions,
                format,
                start,
                bytes,
            },
        ))
    }
}

fn least_bytes(kind: u32) -> u64 {
    match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        8 | 10 | 11 | 12 => 8,
        9 => 12,
        _ => 4,
    }
}

fn storage_format(kind: u32) -> Option<GgmlDType> {
    Some(match kind {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        30 => GgmlDType::BF16,
        _ => return None,
    })
}
