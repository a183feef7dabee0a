//! The messages of Arrow IPC, read in pieces: never more memory is asked for than the file has bytes, whatever it says of itself.
//!
//! A file is a stream between a mark and a footer. The footer is not needed to read it from the start, but without its mark the
//! end of the file is missing.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Take};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use arrow_schema::{ArrowError, SchemaRef};

/// Bytes of a piece.
const PIECE: usize = 1 << 20;
/// What a file begins and ends with.
const MARK: &[u8; 6] = b"ARROW1";
/// At the start the mark is filled up with zeros: to eight bytes as the format says, and some writers fill it up to more.
const START_BYTES: u64 = 64;
/// Bytes after the footer: its length and the mark.
const TRAILER_BYTES: u64 = 10;

/// Batches of an Arrow stream.
pub(super) struct Messages {
    input: Take<File>,
    decoder: StreamDecoder,
    piece: Buffer,
    /// The first batch, which was read to know the schema.
    first: Option<RecordBatch>,
    schema: SchemaRef,
}

impl Messages {
    /// Starts to read what is a stream as a whole.
    pub(super) fn of_stream(file: File) -> Result<Self, ArrowError> {
        Self::new(file.take(u64::MAX))
    }

    /// Starts to read the stream in a file.
    pub(super) fn of_file(mut file: File) -> Result<Self, ArrowError> {
        let size_bytes = file.seek(SeekFrom::End(0))?;
        let trailer = size_bytes.checked_sub(TRAILER_BYTES).ok_or_else(cut)?;
        file.seek(SeekFrom::Start(trailer))?;
        let mut footer_bytes = [0; 4];
        file.read_exact(&mut footer_bytes)?;
        let mut mark = [0; MARK.len()];
        file.read_exact(&mut mark)?;
        let end = trailer.checked_sub(u32::from_le_bytes(footer_bytes).into());
        let end = end.filter(|_| mark == *MARK).ok_or_else(cut)?;
        file.rewind()?;
        let mut start = Vec::new();
        (&mut file).take(START_BYTES).read_to_end(&mut start)?;
        let filling = start.iter().skip(MARK.len()).take_while(|&&byte| byte == 0).count();
        let start = (MARK.len() + filling) as u64;
        file.seek(SeekFrom::Start(start))?;
        Self::new(file.take(end.checked_sub(start).ok_or_else(cut)?))
    }

    fn new(input: Take<File>) -> Result<Self, ArrowError> {
        let (mut decoder, mut piece) = (StreamDecoder::new(), Buffer::default());
        let mut input = input;
        let first = next(&mut input, &mut decoder, &mut piece)?;
        let schema = decoder.schema().ok_or_else(cut)?;
        Ok(Self { input, decoder, piece, first, schema })
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl Iterator for Messages {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.first.take().map(Ok);
        first.or_else(|| next(&mut self.input, &mut self.decoder, &mut self.piece).transpose())
    }
}

fn cut() -> ArrowError {
    ArrowError::IpcError("its end is missing".to_owned())
}

fn next(
    input: &mut Take<File>,
    decoder: &mut StreamDecoder,
    piece: &mut Buffer,
) -> Result<Option<RecordBatch>, ArrowError> {
    loop {
        if piece.is_empty() {
            let mut bytes = Vec::with_capacity(PIECE);
            input.by_ref().take(PIECE as u64).read_to_end(&mut bytes)?;
            if bytes.is_empty() {
                return decoder.finish().map(|()| None).map_err(|_| cut());
            }
            *piece = Buffer::from_vec(bytes);
        }
        if let Some(batch) = decoder.decode(piece)? {
            return Ok(Some(batch));
        }
    }
}
