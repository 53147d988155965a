//! What a portal and its plugin host say to each other: frames over one socket.
//!
//! A frame is its length, four bytes with the lowest first, and a message in postcard's encoding.
//! A frame that is too long, or no message, ends the connection.

use std::io;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use zeroize::Zeroizing;

use crate::{
    bindings::http::Request,
    egress::{
        mail::{Carried, Posted},
        sender::Sent,
    },
    host::InstallError,
    limits::{Limits, MIB},
    messages::{CallRequest, KvEntry, KvUnavailable, KvUsage, Outcome},
    pool::PoolUse,
    process::confine::Confined,
};

/// More than the largest outcome: 100 writes of 64 KiB, an output and a log.
const FRAME_BYTES: usize = 16 * MIB;

/// How much code goes into one frame, so that calls need not wait for all of it.
pub(crate) const CODE_BYTES: usize = 256 * 1024;

/// What the portal says. `n` names the call or the loading that it is about.
#[derive(Serialize, Deserialize)]
pub(crate) enum ToHost {
    /// Load a plugin; its code follows.
    Load {
        n: u64,
        plugin: PluginText,
        bytes: usize,
        digest: String,
    },
    /// The next part of the code.
    Code {
        n: u64,
        part: Vec<u8>,
    },
    Remove {
        id: String,
    },
    /// Call a plugin. The request has only the secrets that are calculated with here; `names` has
    /// the names of all.
    Call {
        n: u64,
        request: Box<CallRequest>,
        names: Vec<String>,
    },
    /// Nobody waits for this call any more.
    Drop {
        n: u64,
    },
    /// The answer to the question that this call asked.
    Reply {
        n: u64,
        reply: Reply,
    },
    Ping,
}

/// A plugin that is to be loaded. Manifest and grants are text, as files have them.
#[derive(Serialize, Deserialize)]
pub(crate) struct PluginText {
    pub(crate) id: String,
    pub(crate) manifest: String,
    pub(crate) grants: String,
    pub(crate) limits: Limits,
}

/// What the host says.
#[derive(Serialize, Deserialize)]
pub(crate) enum ToPortal {
    /// It gave up what it could, and takes calls.
    Ready(Confined),
    Loaded {
        n: u64,
        result: Result<(), InstallError>,
    },
    Done {
        n: u64,
        outcome: Box<Outcome>,
    },
    /// What a call needs. It asks one thing at a time.
    Ask {
        n: u64,
        question: Question,
    },
    /// It is there, and so much of its pool is in use.
    Pong {
        pool: Option<PoolUse>,
    },
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Question {
    Get { key: String },
    Scan { prefix: String, after: Option<String>, limit: u32 },
    Usage,
    Send(Request),
    Mail(Box<Posted>),
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Reply {
    Get(Result<Option<KvEntry>, KvUnavailable>),
    Scan(Result<Vec<KvEntry>, KvUnavailable>),
    Usage(Result<KvUsage, KvUnavailable>),
    Sent(Box<Sent>),
    Mailed(Box<Carried>),
}

fn unsound(why: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}

/// A message as a frame. It may hold secrets, and is wiped.
pub(crate) fn frame(message: &impl Serialize) -> io::Result<Zeroizing<Vec<u8>>> {
    let room = Zeroizing::new(vec![0; 4]);
    let mut bytes = Zeroizing::new(postcard::to_extend(message, room.to_vec()).map_err(unsound)?);
    let length = bytes.len() - room.len();
    if FRAME_BYTES < length {
        return Err(unsound(format!("a message of {length} bytes, and {FRAME_BYTES} are allowed")));
    }
    let length = u32::try_from(length).map_err(unsound)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    Ok(bytes)
}

/// The next message, or none where the other side is gone.
pub(crate) async fn read<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length);
    if u32::try_from(FRAME_BYTES).unwrap_or(u32::MAX) < length {
        return Err(unsound(format!("a frame of {length} bytes, and {FRAME_BYTES} are allowed")));
    }
    // Room is made as bytes come: a length alone costs nothing.
    let mut bytes = Zeroizing::new(Vec::new());
    from.take(length.into()).read_to_end(&mut bytes).await?;
    postcard::from_bytes(&bytes).map(Some).map_err(unsound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_bounded_and_sound() {
        let sent = frame(&ToHost::Remove { id: "one".to_owned() }).unwrap();
        let read_back = read::<ToHost>(&mut &sent[..]).await.unwrap();
        assert!(matches!(read_back, Some(ToHost::Remove { id }) if id == "one"));
        assert!(read::<ToHost>(&mut &sent[..2]).await.unwrap().is_none());
        assert!(read::<ToHost>(&mut &sent[..sent.len() - 1]).await.is_err());
        let long = u32::try_from(FRAME_BYTES + 1).unwrap().to_le_bytes();
        assert!(read::<ToHost>(&mut &long[..]).await.is_err());
        assert!(read::<ToHost>(&mut &[3, 0, 0, 0, 99, 99, 99][..]).await.is_err());
        assert!(frame(&ToHost::Remove { id: "x".repeat(FRAME_BYTES) }).is_err());
    }
}
