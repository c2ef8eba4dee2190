//! The format of a spool's file.
//!
//! A file begins with [`MAGIC`]. Then come records: a checksum, the length of the body, the kind,
//! the body. The first record says where the jobs belong. Each enqueue adds one record with all its
//! jobs, so that they are there together or not at all. A mark says that the jobs before an offset
//! are in the database.
//!
//! A file ends where a record is not whole: the process died while it wrote that record, so no
//! caller was told that its jobs are kept.

use std::io::{self, ErrorKind, Read};

use crc::{CRC_32_ISCSI, Crc};

/// The beginning of a file; its last byte is the version of the format.
pub(super) const MAGIC: &[u8; 8] = b"SQSPOOL\x01";

/// 9: the bytes of a record before its body: the checksum, the length, the kind.
const HEAD: usize = 9;

const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Where the jobs belong.
    Origin,
    /// The jobs of one call.
    Call,
    /// What is in the database: everything before an offset.
    Mark,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Origin, Self::Call, Self::Mark];

    const fn byte(self) -> u8 {
        match self {
            Self::Origin => b'o',
            Self::Call => b'c',
            Self::Mark => b'm',
        }
    }
}

/// Returns a record as it is written.
///
/// # Errors
/// When the body is longer than a length can say.
pub(super) fn framed(kind: Kind, body: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(body.len()).map_err(|_| {
        io::Error::new(ErrorKind::FileTooLarge, "a call of more than 4 GiB cannot be spooled")
    })?;
    let mut record = Vec::with_capacity(HEAD + body.len());
    record.extend([0; 4]);
    record.extend(length.to_le_bytes());
    record.push(kind.byte());
    record.extend(body);
    let checksum = CHECKSUM.checksum(&record[4..]);
    record[..4].copy_from_slice(&checksum.to_le_bytes());
    Ok(record)
}

/// What stands next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A whole record.
    Record { at: u64, kind: Kind, body: Vec<u8> },
    /// The end of the file, after a whole record.
    End,
    /// A record that is not whole, or is damaged, from here on.
    Torn { at: u64 },
}

/// Reads the records of a file in their order.
#[derive(Debug)]
pub(super) struct Records<R> {
    source: R,
    at: u64,
    end: u64,
}

impl<R: Read> Records<R> {
    /// Reads from an offset, at which the source is, up to another one.
    pub(super) fn new(source: R, at: u64, end: u64) -> Self {
        Self { source, at, end }
    }

    /// Returns the offset of the next record.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Returns what stands next. After a torn record there is nothing more to read.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Found> {
        let (at, left) = (self.at, self.end.saturating_sub(self.at));
        if left == 0 {
            return Ok(Found::End);
        }
        let mut head = [0; HEAD];
        if left < HEAD as u64 || !read_all(&mut self.source, &mut head)? {
            return Ok(Found::Torn { at });
        }
        let [c0, c1, c2, c3, l0, l1, l2, l3, kind] = head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let kind = Kind::ALL.into_iter().find(|known| known.byte() == kind);
        let whole = HEAD as u64 + u64::from(length);
        // The length is compared with the file first: a damaged one may ask for gigabytes.
        let (Some(kind), true) = (kind, whole <= left) else { return Ok(Found::Torn { at }) };
        let mut body = vec![0; length as usize];
        if !read_all(&mut self.source, &mut body)? {
            return Ok(Found::Torn { at });
        }
        let mut checksum = CHECKSUM.digest();
        checksum.update(&head[4..]);
        checksum.update(&body);
        if checksum.finalize() != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Ok(Found::Torn { at });
        }
        self.at += whole;
        Ok(Found::Record { at, kind, body })
    }
}

/// Fills the buffer; returns `false` if the source ends before.
fn read_all(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match source.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<Found> {
        let mut records = Records::new(bytes, 0, bytes.len() as u64);
        let mut found = Vec::new();
        loop {
            found.push(records.next().unwrap());
            if !matches!(found.last(), Some(Found::Record { .. })) {
                return found;
            }
        }
    }

    /// A hundred records of many lengths, and where each of them ends.
    fn hundred() -> (Vec<u8>, Vec<usize>) {
        let (mut file, mut ends) = (Vec::new(), vec![0]);
        for number in 0..100_usize {
            let kind = Kind::ALL[number % 3];
            file.extend(framed(kind, &vec![b'x'; number * 7 % 90]).unwrap());
            ends.push(file.len());
        }
        (file, ends)
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let file = [framed(Kind::Origin, b"here").unwrap(), framed(Kind::Call, b"").unwrap()];
        let second = file[0].len() as u64;
        let record = |at, kind, body: &[u8]| Found::Record { at, kind, body: body.to_vec() };
        let expected =
            [record(0, Kind::Origin, b"here"), record(second, Kind::Call, b""), Found::End];
        assert_eq!(all(&file.concat()), expected);
    }

    #[test]
    fn a_file_cut_at_any_byte_keeps_the_records_before_the_cut() {
        let (file, ends) = hundred();
        for cut in 0..=file.len() {
            let found = all(&file[..cut]);
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(found.len() - 1, whole, "cut at {cut}");
            let is_torn =
                matches!(found.last(), Some(Found::Torn { at }) if *at == ends[whole] as u64);
            assert_eq!(is_torn, !ends.contains(&cut), "cut at {cut}");
        }
    }

    #[test]
    fn a_damaged_byte_ends_the_file_at_its_record() {
        let (file, ends) = hundred();
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x40;
            let record = ends.iter().filter(|end| **end <= at).count() - 1;
            let found = all(&damaged);
            assert_eq!(found.len() - 1, record, "byte {at} is damaged");
            assert_eq!(found.last(), Some(&Found::Torn { at: ends[record] as u64 }));
        }
    }

    #[test]
    fn zeros_and_noise_are_no_records() {
        let mut noise = vec![0; 4096];
        assert_eq!(all(&noise), [Found::Torn { at: 0 }]);
        let mut random = fastrand::Rng::with_seed(14);
        for _ in 0..1000 {
            random.fill(&mut noise);
            assert_eq!(all(&noise), [Found::Torn { at: 0 }]);
        }
    }
}
