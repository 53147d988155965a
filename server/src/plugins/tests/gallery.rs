//! Stories about packages in the portal's folder, and about operators who choose from them.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use myrelay_app::contract::{
    ChoosePackage, GalleryRow, GalleryView, InstallOutcome, PackageBar, PackageCard, PackageSigner,
    PackageStanding, PluginFormContract, PluginGalleryContract, PluginKind, PortalError,
    TypedFields,
};
use myrelay_domain::ids::{InstallationId, UploadId};
use myrelay_plugin_package::{Package, PublisherKey, SigningKey, keygen, sign};

use super::uploads::package;
use crate::{
    plugins::{revoke, store, testing, unrevoke},
    testing::{Actor, World, stories},
};

const SESSION: &str = "one session";
const EVENTS: [&str; 1] = ["account.created.v1"];

/// A portal with an empty folder for packages.
async fn with_folder(mut world: World) -> (World, PathBuf) {
    let folder = world.dir.path().join("packages");
    fs::create_dir(&folder).unwrap();
    let named = Some(folder.clone());
    world.context = world.portal_set(|it| it.plugin_dir = named).await;
    (world, folder)
}

/// A publisher's pair.
fn pair() -> (SigningKey, PublisherKey) {
    let (secret, public) = keygen(None).unwrap();
    (SigningKey::open(&secret, None).unwrap(), public)
}

/// Somebody else's key that says to be this one, of one octet again and again.
fn with_the_id_of(key: &PublisherKey, octet: u8) -> PublisherKey {
    let mut bytes = BASE64_STANDARD.decode(key.to_string()).unwrap();
    // Two octets of the algorithm and eight of the id; the rest is the key.
    bytes.truncate(10);
    bytes.extend([octet; 32]);
    let like = PublisherKey::parse(&BASE64_STANDARD.encode(bytes)).unwrap();
    assert_eq!(like.key_id(), key.key_id());
    like
}

fn manifest(id: &str, version: &str) -> String {
    testing::manifest(id, &EVENTS).replace("1.2.3", version)
}

/// A package in the folder, with its signature beside it where somebody signed.
fn put(folder: &Path, name: &str, manifest: &str, key: Option<&SigningKey>) -> String {
    let package = package(manifest);
    fs::write(folder.join(name), &package).unwrap();
    if let Some(key) = key {
        let signature = sign(&package, key, "a plugin").unwrap();
        fs::write(folder.join(format!("{name}.minisig")), signature).unwrap();
    }
    Package::digest(&package)
}

/// What is in the folder, and whether there is more.
async fn open(olga: &Actor<'_>) -> (Vec<GalleryRow>, bool) {
    match olga.api().plugin_gallery().await.unwrap() {
        GalleryView::Open { rows, has_more, .. } => (rows, has_more),
        view => panic!("{view:?}"),
    }
}

async fn cards(olga: &Actor<'_>) -> Vec<PackageCard> {
    let (rows, _) = open(olga).await;
    let card = |it| match it {
        GalleryRow::Package(card) => Some(*card),
        GalleryRow::Unreadable { .. } => None,
    };
    rows.into_iter().filter_map(card).collect()
}

async fn choose(olga: &Actor<'_>, digest: &str, publisher: &str) -> Result<UploadId, PortalError> {
    let (digest, publisher) = (digest.to_owned(), publisher.to_owned());
    let input = ChoosePackage { session: SESSION.to_owned(), digest, publisher };
    olga.api().choose_package(input).await
}

async fn install(olga: &Actor<'_>, upload: UploadId) -> InstallationId {
    let upload = upload.to_string();
    let view = olga.api().plugin_upload(SESSION, &upload).await.unwrap();
    let typed = [("before", view.before.as_str()), ("secret-0", "hush")];
    let typed = typed.map(|(name, it)| (name.to_owned(), it.to_owned())).to_vec();
    match olga.api().install_upload(SESSION, &upload, TypedFields(typed)).await.unwrap() {
        InstallOutcome::Installed(id) => id,
        InstallOutcome::Refused(view) => panic!("{view:?}"),
    }
}

fn field(error: &PortalError) -> &str {
    match error {
        PortalError::Invalid { field, .. } => field,
        error => panic!("{error}"),
    }
}

const ONE: &str = "dev.example.one";

stories! {
    async fn an_operator_chooses_a_package_and_installs_it_as_one_that_is_sent(world) {
        let (world, folder) = with_folder(world).await;
        let (olga, (key, public)) = (world.operator("olga").await, pair());
        let digest = put(&folder, "one-1.pplug", &manifest(ONE, "1.0.0"), Some(&key));
        let card = cards(&olga).await.remove(0);
        assert_eq!((card.digest.as_str(), card.version.as_str()), (digest.as_str(), "1.0.0"));
        assert_eq!((card.file.as_str(), card.plugin.as_str()), ("one-1.pplug", ONE));
        assert_eq!(card.summary.as_deref(), Some("Do this first."));
        assert_eq!((card.kinds, card.has_icon), (vec![PluginKind::Event], false));
        assert_eq!(card.signer, PackageSigner::New(public.key_id()));
        assert_eq!((card.standing, card.bar), (PackageStanding::New, None));
        // Nobody knows her key here yet.
        let error = choose(&olga, &digest, "").await.unwrap_err();
        assert_eq!(field(&error), "publisher", "{error}");
        let (_, other) = pair();
        let error = choose(&olga, &digest, &other.to_string()).await.unwrap_err();
        assert_eq!(field(&error), "publisher", "{error}");
        assert_eq!(world.count("SELECT COUNT(*) FROM plugin_uploads").await, 0);
        let upload = choose(&olga, &digest, &public.to_file()).await.unwrap();
        // The same package twice waits twice, as if it had been sent twice.
        assert_ne!(choose(&olga, &digest, &public.to_file()).await.unwrap(), upload);
        assert_eq!(world.count("SELECT COUNT(*) FROM plugins").await, 0);
        let id = install(&olga, upload).await;

        let card = cards(&olga).await.remove(0);
        assert_eq!(card.signer, PackageSigner::Known(public.key_id()), "it is verified by now");
        assert_eq!(card.standing, PackageStanding::Same(id));
        // Another manifest around the same program is another package.
        let text = manifest(ONE, "1.0.0").replace("example.org", "example.net");
        let other = put(&folder, "one-1-other.pplug", &text, Some(&key));
        let card = olga.api().gallery_package(&other).await.unwrap();
        assert_eq!(card.standing, PackageStanding::OtherBuild(id));
        fs::remove_file(folder.join("one-1-other.pplug")).unwrap();
        // Whoever makes keys with the id of hers, and is known for something else, is not in her
        // way, whether they come before hers or after it.
        let mut tx = world.context.database.write().await.unwrap();
        for (plugin, octet) in [("dev.example.other", 0), ("dev.example.third", u8::MAX)] {
            let like = with_the_id_of(&public, octet).to_string();
            store::publishers::pin(&mut tx, plugin, &like, 1).await.unwrap();
        }
        tx.commit().await.unwrap();
        let card = cards(&olga).await.remove(0);
        assert_eq!(card.signer, PackageSigner::Known(public.key_id()), "{card:?}");
        let text = manifest(ONE, "1.10.0");
        let next = put(&folder, "one-1.10.pplug", &text, Some(&key));
        put(&folder, "one-0.9.pplug", &manifest(ONE, "0.9.0"), Some(&key));
        let all = cards(&olga).await;
        let standing: Vec<_> = all.iter().map(|it| it.standing.clone()).collect();
        let before = || "1.0.0".to_owned();
        assert_eq!(standing, [
            PackageStanding::Newer(id, before()), PackageStanding::Same(id),
            PackageStanding::Older(id, before()),
        ]);
        let upload = choose(&olga, &next, "").await.unwrap();
        assert_eq!(install(&olga, upload).await, id);
        assert_eq!(olga.api().gallery_package(&next).await.unwrap().standing, PackageStanding::Same(id));
    }

    async fn what_cannot_be_read_is_a_card_among_the_others(world) {
        let (world, folder) = with_folder(world).await;
        let (olga, (key, public)) = (world.operator("olga").await, pair());
        let digest = put(&folder, "b-good.pplug", &manifest(ONE, "1.0.0"), None);
        let upload = choose(&olga, &digest, "").await.unwrap();
        install(&olga, upload).await;
        let text = manifest("dev.example.two", "1.0.0");
        let two = put(&folder, "two.pplug", &text, Some(&key));
        let upload = choose(&olga, &two, &public.to_string()).await.unwrap();
        install(&olga, upload).await;

        fs::write(folder.join("a-junk.pplug"), "no package").unwrap();
        fs::write(folder.join("c-mute.pplug"), package(&testing::manifest(ONE, &[]))).unwrap();
        fs::create_dir(folder.join("d-folder.pplug")).unwrap();
        let outside = world.dir.path().join("outside.pplug");
        fs::write(&outside, package(&manifest(ONE, "7.0.0"))).unwrap();
        symlink(&outside, folder.join("e-link.pplug")).unwrap();
        symlink("two.pplug", folder.join("f-link-inside.pplug")).unwrap();
        symlink("nowhere", folder.join("g-dangling.pplug")).unwrap();
        put(&folder, "h-linked.pplug", &manifest(ONE, "2.0.0"), None);
        symlink(folder.join("two.pplug.minisig"), folder.join("h-linked.pplug.minisig")).unwrap();
        // Signed by a key that is known, and changed afterwards.
        put(&folder, "i-changed.pplug", &text.replace("1.0.0", "3.0.0"), Some(&key));
        fs::write(folder.join("i-changed.pplug"), package(&manifest(ONE, "3.0.1"))).unwrap();
        fs::write(folder.join("j-note.pplug"), package(&manifest(ONE, "4.0.0"))).unwrap();
        fs::write(folder.join("j-note.pplug.minisig"), "no signature").unwrap();
        fs::write(folder.join("notes.txt"), "nothing of a plugin").unwrap();
        for _ in 0..2 {
            let (rows, has_more) = open(&olga).await;
            assert!(!has_more);
            let mut good = Vec::new();
            let mut broken = Vec::new();
            for row in rows {
                match row {
                    GalleryRow::Package(card) => good.push(card.file),
                    GalleryRow::Unreadable { file, why } => broken.push((file, why)),
                }
            }
            assert_eq!(good, ["b-good.pplug", "two.pplug"]);
            let why = [
                ("a-junk.pplug", "it is no plugin package"), ("c-mute.pplug", "never be called"),
                ("d-folder.pplug", "it is no file"), ("e-link.pplug", "it is a link"),
                ("f-link-inside.pplug", "it is a link"), ("g-dangling.pplug", "it is a link"),
                ("h-linked.pplug", "its signature"), ("i-changed.pplug", "not of this package"),
                ("j-note.pplug", "no signature of minisign"),
            ];
            assert_eq!(broken.len(), why.len(), "{broken:?}");
            for ((file, said), (expected, word)) in broken.iter().zip(why) {
                assert!(file == expected && said.contains(word), "{file}: {said}");
            }
        }
        let hidden = Package::digest(&fs::read(&outside).unwrap());
        assert!(matches!(choose(&olga, &hidden, "").await, Err(PortalError::NotFound { .. })));
    }

    async fn what_is_not_in_the_folder_is_not_found_and_only_operators_look(world) {
        let (world, folder) = with_folder(world).await;
        let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
        let digest = put(&folder, "one.pplug", &manifest(ONE, "1.0.0"), None);
        let missing = PortalError::NotFound { what: "package of the gallery".to_owned() };
        let path = folder.join("one.pplug").display().to_string();
        for unknown in ["", "..", "one.pplug", &"0".repeat(64), &digest.to_uppercase(), &path] {
            assert_eq!(olga.api().gallery_package(unknown).await, Err(missing.clone()));
            assert_eq!(olga.api().gallery_icon(unknown).await, Err(missing.clone()));
            assert_eq!(choose(&olga, unknown, "").await, Err(missing.clone()));
        }
        assert_eq!(olga.api().gallery_icon(&digest).await, Err(missing.clone()), "it has none");
        let refused = PortalError::NotAllowed;
        assert_eq!(ana.api().plugin_gallery().await, Err(refused.clone()));
        assert_eq!(ana.api().gallery_package(&digest).await, Err(refused.clone()));
        assert_eq!(ana.api().gallery_icon(&digest).await, Err(refused.clone()));
        assert_eq!(choose(&ana, &digest, "").await, Err(refused));
        // A copy of a package is the same package, and the signed one of the two counts.
        fs::copy(folder.join("one.pplug"), folder.join("a-copy.pplug")).unwrap();
        let (key, public) = pair();
        let bytes = fs::read(folder.join("one.pplug")).unwrap();
        fs::write(folder.join("one.pplug.minisig"), sign(&bytes, &key, "one").unwrap()).unwrap();
        let all = cards(&olga).await;
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(all[0].signer, PackageSigner::New(public.key_id()));
        let upload = choose(&olga, &digest, &public.to_string()).await.unwrap().to_string();
        let view = olga.api().plugin_upload(SESSION, &upload).await.unwrap();
        assert_eq!(view.publisher, Some(public.to_string()));
        // What was replaced is not there any more.
        put(&folder, "one.pplug", &manifest(ONE, "2.0.0"), Some(&key));
        fs::remove_file(folder.join("a-copy.pplug")).unwrap();
        assert_eq!(choose(&olga, &digest, &public.to_string()).await, Err(missing));
    }

    async fn only_so_many_packages_are_read_and_none_twice(world) {
        let (world, folder) = with_folder(world).await;
        let olga = world.operator("olga").await;
        assert_eq!(open(&olga).await, (Vec::new(), false));
        for number in 0..65 {
            let id = format!("dev.example.n{number:02}");
            put(&folder, &format!("{number:02}.pplug"), &manifest(&id, "1.0.0"), None);
        }
        let (rows, has_more) = open(&olga).await;
        assert_eq!((rows.len(), has_more), (64, true));
        let digest = cards(&olga).await.remove(0).digest;
        let seen = async || world.context.plugins.shelf.lock().await.find(&digest).unwrap().1;
        let before = seen().await;
        open(&olga).await;
        assert!(Arc::ptr_eq(&before, &seen().await), "it stayed as it was, and is not read again");
        let bytes = fs::read(folder.join("00.pplug")).unwrap();
        fs::remove_file(folder.join("00.pplug")).unwrap();
        fs::write(folder.join("00.pplug"), bytes).unwrap();
        open(&olga).await;
        assert!(!Arc::ptr_eq(&before, &seen().await), "another file is read");
        // Nor are more than so many bytes, whatever is in them.
        for number in 0..5 {
            let file = fs::File::create(folder.join(format!("{number:02}.pplug"))).unwrap();
            file.set_len(60 << 20).unwrap();
        }
        let file = fs::File::create(folder.join("05.pplug")).unwrap();
        file.set_len(65 << 20).unwrap();
        let (rows, _) = open(&olga).await;
        let why = |name: &str| {
            rows.iter().find_map(|it| match it {
                GalleryRow::Unreadable { file, why } if file == name => Some(why.clone()),
                _ => None,
            }).unwrap_or_default()
        };
        assert!(why("03.pplug").contains("it is no plugin package"), "{rows:?}");
        assert!(why("04.pplug").contains("no more are read"), "{rows:?}");
        assert!(why("05.pplug").contains("no more are read"), "{rows:?}");
        assert_eq!(why("06.pplug"), "", "it is small enough");
    }

    async fn what_is_revoked_or_not_signed_as_it_must_be_says_so(world) {
        let (world, folder) = with_folder(world).await;
        let (olga, (key, public), (eve, _)) = (world.operator("olga").await, pair(), pair());
        let digest = put(&folder, "one.pplug", &manifest(ONE, "1.0.0"), Some(&key));
        let upload = choose(&olga, &digest, &public.to_string()).await.unwrap();
        install(&olga, upload).await;
        let hers = put(&folder, "hers.pplug", &manifest(ONE, "2.0.0"), Some(&eve));
        let bare = put(&folder, "bare.pplug", &manifest(ONE, "3.0.0"), None);
        let of = async |digest: &str| olga.api().gallery_package(digest).await.unwrap().bar;
        assert_eq!(of(&digest).await, None);
        assert_eq!(of(&hers).await, Some(PackageBar::OtherKey));
        assert_eq!(of(&bare).await, Some(PackageBar::Unsigned), "it was signed before");
        assert_eq!(field(&choose(&olga, &bare, "").await.unwrap_err()), "publisher");
        let key = public.to_string();
        revoke(&world.context, &key, "it was stolen").await.unwrap();
        assert_eq!(of(&digest).await, Some(PackageBar::Revoked("it was stolen".to_owned())));
        let error = choose(&olga, &digest, "").await.unwrap_err();
        assert!(error.to_string().contains("it was stolen"), "{error}");
        unrevoke(&world.context, &key).await.unwrap();
        revoke(&world.context, &digest, "it loses money").await.unwrap();
        assert_eq!(of(&digest).await, Some(PackageBar::Revoked("it loses money".to_owned())));
        let strict = world.portal_set(|it| {
            it.plugin_dir = Some(folder.clone());
            it.unsigned_plugins = false;
        }).await;
        let free = put(&folder, "free.pplug", &manifest("dev.example.free", "1.0.0"), None);
        assert_eq!(of(&free).await, None);
        let card = crate::plugins::gallery_package(&strict, olga.caller, &free).await.unwrap();
        assert_eq!(card.bar, Some(PackageBar::Unsigned));
    }

    async fn a_folder_may_not_be_set_or_not_be_there(world) {
        let olga = world.operator("olga").await;
        assert_eq!(olga.api().plugin_gallery().await.unwrap(), GalleryView::Off);
        let nowhere = Some(world.dir.path().join("nowhere"));
        let context = world.portal_set(|it| it.plugin_dir = nowhere).await;
        let view = crate::plugins::gallery(&context, olga.caller).await.unwrap();
        assert!(matches!(&view, GalleryView::Unreadable { why, .. } if why.contains("No such file")), "{view:?}");
        let error = crate::plugins::gallery_package(&context, olga.caller, "0").await.unwrap_err();
        assert!(matches!(error, crate::Error::Unavailable(_)), "{error}");
    }

    async fn so_many_packages_are_in_memory_at_a_time_and_no_more(world) {
        let (world, folder) = with_folder(world).await;
        let olga = world.operator("olga").await;
        let digest = put(&folder, "one.pplug", &manifest(ONE, "1.0.0"), None);
        let upload = choose(&olga, &digest, "").await.unwrap().to_string();
        let mut held = Vec::new();
        while let Ok(place) = world.context.plugins.place_to_look() {
            held.push(place);
        }
        assert_eq!(held.len(), 4);
        let busy = PortalError::Busy { retry_after_s: 5 };
        assert_eq!(choose(&olga, &digest, "").await, Err(busy.clone()));
        assert_eq!(olga.api().plugin_upload(SESSION, &upload).await, Err(busy.clone()));
        let none = TypedFields::default();
        let outcome = olga.api().install_upload(SESSION, &upload, none).await;
        assert_eq!(outcome, Err(busy));
        assert_eq!(cards(&olga).await.len(), 1, "the gallery holds no package");
        held.pop();
        for _ in 0..2 {
            olga.api().plugin_upload(SESSION, &upload).await.unwrap();
        }
    }
}
