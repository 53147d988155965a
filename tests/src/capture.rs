//! What is on a wire: a capture by `tcpdump`, read back packet by packet.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    network::{End, Network},
    program::{Program, until},
};

/// A capture that runs.
#[derive(Debug)]
pub struct Capture {
    program: Program,
    file: PathBuf,
}

/// One IP packet that was on the wire. Fragments have no ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub source: IpAddr,
    pub destination: IpAddr,
    /// 6 is TCP, 17 UDP (IANA protocol numbers).
    pub protocol: u8,
    /// From and to.
    pub ports: Option<(u16, u16)>,
    /// What follows the UDP header; for other protocols, the IP header.
    pub payload: Vec<u8>,
}

impl Packet {
    /// Whether it goes from this address or to it.
    pub fn concerns(&self, address: IpAddr) -> bool {
        self.source == address || self.destination == address
    }

    /// The type of a WireGuard message: 1 initiation, 2 response, 3 cookie, 4 data (WireGuard
    /// paper, section 5.4). None when it is not one.
    pub fn wireguard(&self) -> Option<u8> {
        let [kind, 0, 0, 0, ..] = self.payload[..] else { return None };
        let length = self.payload.len();
        let fits = match kind {
            1 => length == 148,
            2 => length == 92,
            3 => length == 64,
            // Padded to 16 bytes, but not beyond the tunnel's MTU.
            4 => 32 <= length,
            _ => false,
        };
        (fits && self.protocol == 17).then_some(kind)
    }
}

impl Capture {
    /// Starts to capture at the bridge's port to an end of the network, whole packets.
    pub async fn start(network: &Network, end: End, file: &Path) -> Result<Self> {
        let mut command = network.command(End::Wan, "tcpdump");
        let port = Network::port(end);
        // As it is: with a user of its own it could not write into the test's folder.
        let flags = ["--immediate-mode", "-U", "-s", "65535", "-B", "65536", "-Z", "root"];
        command.args(["-i", &port]).args(flags).arg("-w").arg(file);
        let log = file.with_extension("log");
        let mut program = Program::start(command, &log)?;
        until("tcpdump to listen", Duration::from_secs(10), async || {
            program.ensure_running()?;
            Ok(program.said().contains("listening on").then_some(()))
        })
        .await?;
        Ok(Self { program, file: file.to_owned() })
    }

    /// Everything so far.
    pub fn packets(&self) -> Result<Vec<Packet>> {
        packets(&std::fs::read(&self.file)?)
    }

    /// Ends it: everything it saw.
    pub async fn stop(mut self) -> Result<Vec<Packet>> {
        self.program.stop().await?;
        let said = self.program.said();
        ensure!(said.contains("0 packets dropped by kernel"), "it did not see it all: {said}");
        self.packets()
    }
}

/// The IP packets of a capture file (libpcap's format with microseconds, Ethernet frames).
fn packets(file: &[u8]) -> Result<Vec<Packet>> {
    let word = |at: usize| -> Option<usize> {
        let bytes = file.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    ensure!(word(0) == Some(0xa1b2_c3d4) && word(20) == Some(1), "not a capture of Ethernet");
    let (mut at, mut packets) = (24, Vec::new());
    // A record that is still being written is left out.
    while let Some(frame) = word(at + 8).and_then(|length| file.get(at + 16..at + 16 + length)) {
        packets.extend(packet(frame).context("a packet that does not parse")?);
        at += 16 + frame.len();
    }
    Ok(packets)
}

/// None in it: not IP. None of it: cut short.
fn packet(frame: &[u8]) -> Option<Option<Packet>> {
    let network = frame.get(14..)?;
    let (source, destination, protocol, header, whole): (IpAddr, IpAddr, _, _, _) =
        match frame.get(12..14)? {
            [0x08, 0x00] => {
                let address = |at: usize| Some(Ipv4Addr::from(u32_at(network, at)?));
                let header = usize::from(network.first()? & 0x0f) * 4;
                let fragment = [network.get(6)? & 0x3f, *network.get(7)?] != [0, 0];
                let length = usize::from(u16_at(network, 2)?);
                let packet = network.get(..length)?;
                (
                    address(12)?.into(),
                    address(16)?.into(),
                    *network.get(9)?,
                    packet.get(header..)?,
                    !fragment,
                )
            }
            [0x86, 0xdd] => {
                let address = |at: usize| -> Option<Ipv6Addr> {
                    Some(<[u8; 16]>::try_from(network.get(at..at + 16)?).ok()?.into())
                };
                let length = 40 + usize::from(u16_at(network, 4)?);
                let body = network.get(40..length)?;
                (address(8)?.into(), address(24)?.into(), *network.get(6)?, body, true)
            }
            _ => return Some(None),
        };
    let has_ports = whole && matches!(protocol, 6 | 17);
    let ports = if has_ports { Some((u16_at(header, 0)?, u16_at(header, 2)?)) } else { None };
    let skipped = if protocol == 17 && whole { 8 } else { 0 };
    let payload = header.get(skipped..)?.to_vec();
    Some(Some(Packet { source, destination, protocol, ports, payload }))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with one UDP datagram from 192.0.2.1:1000 to 192.0.2.2:2000.
    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0x00, 0x45, 0]);
        frame.extend(u16::try_from(28 + payload.len()).unwrap().to_be_bytes());
        frame.extend([0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        frame.extend([1000u16.to_be_bytes(), 2000u16.to_be_bytes(), [0; 2], [0; 2]].concat());
        frame.extend(payload);
        // A short frame is padded.
        frame.extend([0; 6]);
        frame
    }

    #[test]
    fn a_capture_reads_back_and_its_unwritten_end_is_left_out() {
        let frame = frame(b"hello");
        let mut file = [&0xa1b2_c3d4_u32.to_le_bytes()[..], &[0; 16], &1u32.to_le_bytes()].concat();
        let length = u32::try_from(frame.len()).unwrap().to_le_bytes();
        for _ in 0..2 {
            file.extend([&[0; 8], &length[..], &length, &frame].concat());
        }
        file.truncate(file.len() - 1);
        let read = packets(&file).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].source, IpAddr::from([192, 0, 2, 1]));
        assert_eq!(read[0].ports, Some((1000, 2000)));
        assert_eq!(read[0].payload, b"hello");
        assert_eq!(read[0].wireguard(), None);
        assert!(packets(b"nonsense").is_err());
    }

    #[test]
    fn wireguard_messages_are_known_by_type_and_length() {
        let kind = |length: usize, kind: u8| {
            let mut payload = vec![0; length];
            payload[0] = kind;
            packet(&frame(&payload)).unwrap().unwrap().wireguard()
        };
        assert_eq!(
            (kind(148, 1), kind(92, 2), kind(64, 3), kind(96, 4)),
            (Some(1), Some(2), Some(3), Some(4))
        );
        assert_eq!((kind(147, 1), kind(31, 4), kind(64, 5)), (None, None, None));
    }
}
