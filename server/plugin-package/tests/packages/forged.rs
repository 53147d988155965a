//! Packages that nobody's `pack` made: each is refused with the name of the file and the rule.

use std::io::Write as _;

use myrelay_plugin_package::{ARCHIVE_BYTES, Package};

use crate::made::{MANIFEST, SCHEMA, WASM};

/// A way to spoil a header.
type Spoil = fn(&mut [u8]);

/// One entry of an archive, and what becomes of its header.
struct Entry {
    name: &'static str,
    bytes: Vec<u8>,
    spoil: Spoil,
}

fn entry(name: &'static str, bytes: impl Into<Vec<u8>>) -> Entry {
    Entry { name, bytes: bytes.into(), spoil: |_| {} }
}

/// The entries of a good package.
fn good() -> Vec<Entry> {
    vec![
        entry("README.md", "# Mail"),
        entry("config.schema.json", SCHEMA),
        entry("plugin.toml", MANIFEST),
        entry("plugin.wasm", WASM),
    ]
}

/// An archive as POSIX has it, written without the code that is tested.
fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut tar = Vec::new();
    for Entry { name, bytes, spoil } in entries {
        let mut header = vec![0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        let fields: [(usize, &str); 8] = [
            (100, "0000644\0"),
            (108, "0000000\0"),
            (116, "0000000\0"),
            (136, "00000000000\0"),
            (156, "0"),
            (257, "ustar\x0000"),
            (329, "0000000\0"),
            (337, "0000000\0"),
        ];
        for (at, text) in fields {
            header[at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        header[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
        spoil(&mut header);
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|it| u32::from(*it)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend(header);
        tar.extend(bytes);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

fn frame(tar: &[u8]) -> Vec<u8> {
    zstd::encode_all(tar, 3).unwrap()
}

/// Why a package of this archive is refused.
fn refusal(tar: &[u8]) -> String {
    Package::open(&frame(tar)).unwrap_err().to_string()
}

fn spoiled(name: &'static str, spoil: Spoil) -> String {
    let mut entries = good();
    for entry in entries.iter_mut().filter(|it| it.name == name) {
        entry.spoil = spoil;
    }
    refusal(&tar(&entries))
}

/// The entries with one more, in the order of the names.
fn with(more: Entry) -> String {
    let mut entries = good();
    entries.push(more);
    entries.sort_by_key(|it| it.name);
    refusal(&tar(&entries))
}

#[test]
fn a_package_by_other_tools_opens_if_it_is_the_same() {
    let tar = tar(&good());
    let opened = Package::open(&frame(&tar)).unwrap();
    // Compressed in another way, but the same content.
    let packed = opened.pack().unwrap();
    assert_eq!(zstd::decode_all(&packed[..]).unwrap(), tar);
}

#[test]
fn names_stay_inside_and_are_known() {
    for (name, says) in [
        ("../evil", "its name leads out of the package"),
        ("fixtures/../../evil", "its name leads out of the package"),
        ("/etc/passwd", "its name leads out of the package"),
        ("", "a package holds plugin.toml"),
        ("evil.sh", "a package holds plugin.toml"),
        ("fixtures/", "a package holds plugin.toml"),
        ("fixtures/a/b", "a package holds plugin.toml"),
        ("fixtures/.profile", "a package holds plugin.toml"),
        ("fixtures/\u{202e}txt", "a package holds plugin.toml"),
        ("plugin.toml/", "a package holds plugin.toml"),
        ("PLUGIN.TOML", "a package holds plugin.toml"),
    ] {
        let error = with(entry(name, "x"));
        assert!(error.contains(says), "{name}: {error}");
        assert!(error.is_ascii() || error.contains('…'), "{error}");
    }
    let error = spoiled("README.md", |header| header[..3].copy_from_slice(b"\xff\x1b["));
    assert!(error.contains(r"\xff\x1b[DME.md: its name is not UTF-8"), "{error}");
    let error = spoiled("README.md", |header| header[50] = b'x');
    assert!(error.contains("README.md: its header says more"), "{error}");
}

#[test]
fn nothing_but_regular_files() {
    let types: [(Spoil, &str); 8] = [
        (|it| it[156] = b'1', "a link"),
        (|it| it[156] = b'2', "a link"),
        (|it| it[156] = b'3', "a device"),
        (|it| it[156] = b'4', "a device"),
        (|it| it[156] = b'5', "a folder"),
        (|it| it[156] = b'6', "a pipe"),
        (|it| it[156] = b'x', "an extension"),
        (|it| it[156] = b'L', "an extension"),
    ];
    for (spoil, what) in types {
        let error = spoiled("README.md", spoil);
        let says = format!("README.md: it is {what}, and a package holds regular files only");
        assert_eq!(error, says);
    }
}

#[test]
fn a_header_says_name_and_size_alone() {
    let changes: [Spoil; 9] = [
        |it| it[100..107].copy_from_slice(b"0000755"),
        |it| it[100..107].copy_from_slice(b"0004644"),
        |it| it[114] = b'1',
        |it| it[122] = b'1',
        |it| it[146] = b'1',
        |it| it[157] = b'/',
        |it| it[265..269].copy_from_slice(b"root"),
        |it| it[345..348].copy_from_slice(b"/et"),
        |it| it[511] = 1,
    ];
    for change in changes {
        let error = spoiled("README.md", change);
        assert!(error.starts_with("README.md: its header says more than name and size"), "{error}");
    }
    let mut sum = tar(&good());
    sum[148] = b'7';
    assert!(refusal(&sum).starts_with("README.md: its header says more"));
    for size in [b"0000000000 ", b"-0000000001", b"\x80\0\0\0\0\0\0\0\0\0\x06"] {
        let mut entries = tar(&good());
        entries[124..135].copy_from_slice(size);
        assert!(refusal(&entries).starts_with("README.md: its size is no number"));
    }
}

#[test]
fn each_name_once_and_in_order() {
    let mut twice = good();
    twice.insert(1, entry("README.md", "another"));
    assert_eq!(refusal(&tar(&twice)), "README.md: it stands in the package twice");
    let mut turned = good();
    turned.swap(0, 3);
    let error = refusal(&tar(&turned));
    assert_eq!(error, "config.schema.json: the files are not in the order of their names");
}

#[test]
fn sizes_are_bounded_before_anything_is_kept() {
    let mut large = tar(&good());
    large[124..135].copy_from_slice(b"77777777777");
    assert_eq!(refusal(&large), "README.md: it has 8589934591 bytes, and 262144 are allowed");
    let many: Vec<String> = (0..70).map(|it| format!("fixtures/{it:02}")).collect();
    let many = many.into_iter().map(|it| entry(Box::leak(it.into_boxed_str()), ""));
    let error = refusal(&tar(&many.collect::<Vec<_>>()));
    assert_eq!(error, "the package: it has more than 64 files");
}

#[test]
fn a_bomb_is_not_unpacked() {
    // A gigabyte in a few kilobytes; it does not say how much it is.
    let mut bomb = zstd::Encoder::new(Vec::new(), 3).unwrap();
    for _ in 0..1024 {
        bomb.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 200_000);
    let error = Package::open(&bomb).unwrap_err().to_string();
    let says = format!("the package: it has more than {ARCHIVE_BYTES} bytes when it is unpacked");
    assert_eq!(error, says);

    // One that wants half a gigabyte of memory to look back into.
    let mut far = zstd::Encoder::new(Vec::new(), 3).unwrap();
    far.window_log(29).unwrap();
    far.write_all(&tar(&good())).unwrap();
    let error = Package::open(&far.finish().unwrap()).unwrap_err().to_string();
    assert!(error.starts_with("the package: it is damaged"), "{error}");
}

#[test]
fn nothing_before_after_or_between() {
    let tar = tar(&good());
    let whole = frame(&tar);
    assert!(Package::open(&whole).is_ok());
    let told = |bytes: &[u8]| Package::open(bytes).unwrap_err().to_string();

    let after = [&whole[..], b"x"].concat();
    assert_eq!(told(&after), "the package: 1 bytes follow after its end");
    let another = [&whole[..], &whole[..]].concat();
    assert!(told(&another).contains("bytes follow after its end"));
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4], &whole[..]].concat();
    assert!(told(&skipped).contains("it does not begin as zstd does"));
    for cut in [0, 3, 4, 20, whole.len() - 1] {
        assert!(told(&whole[..cut]).starts_with("the package: it is "), "{cut}");
    }

    let mut padded = tar.clone();
    padded[512 + 6] = 1;
    assert!(refusal(&padded).starts_with("README.md: something stands between"));
    let more = [&tar[..], &[0; 512]].concat();
    assert_eq!(refusal(&more), "the package: the archive in it goes on after its end");
    for cut in [tar.len() - 1, tar.len() - 512, tar.len() - 1024, 700, 511] {
        let error = refusal(&tar[..cut]);
        let ends = ["ends before its end", "goes on after its end"];
        assert!(ends.iter().any(|it| error.contains(it)), "{cut}: {error}");
    }
}

#[test]
fn what_is_in_it_is_read_too() {
    let without = |name: &str| {
        let mut entries = good();
        entries.retain(|it| it.name != name);
        refusal(&tar(&entries))
    };
    assert_eq!(without("plugin.toml"), "plugin.toml: it is missing");
    assert!(without("plugin.wasm").starts_with("plugin.wasm: it is missing"));
    assert!(without("config.schema.json").starts_with("config.schema.json: it is missing"));
    let error = refusal(&tar(&[entry("plugin.toml", "manifest = 1"), entry("plugin.wasm", WASM)]));
    assert!(error.starts_with("plugin.toml: plugin: it is missing"), "{error}");
}
