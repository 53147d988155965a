//! That two versions of the interface live side by side: in one engine and one linker, each with
//! shapes of its own, and the older made of what the newer does.

use wasmtime::{
    Store,
    component::{Component, HasSelf, Linker},
};

use crate::{bindings::log, engine};

/// A version that is not ours. Its files never change, like those of one that is published.
mod v0 {
    wasmtime::component::bindgen!({
        path: "tests/versions/v0",
        world: "plugin",
        imports: { default: trappable },
        exports: { default: async },
    });
}

/// What both versions write to.
#[derive(Default)]
struct Lines(Vec<String>);

impl log::Host for Lines {
    fn log(
        &mut self,
        level: log::Level,
        message: String,
        _fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.0.push(format!("{level:?}: {message}"));
        Ok(())
    }
}

impl v0::myrelay::plugin::log::Host for Lines {
    fn line(&mut self, text: String) -> wasmtime::Result<()> {
        log::Host::log(self, log::Level::Info, text, Vec::new())
    }
}

#[tokio::test]
async fn another_version_of_the_interface_lives_beside_this_one() {
    let engine = engine::for_calls().unwrap();
    let mut linker = Linker::<Lines>::new(&engine);
    log::add_to_linker::<_, HasSelf<Lines>>(&mut linker, |it| it).unwrap();
    v0::myrelay::plugin::log::add_to_linker::<_, HasSelf<Lines>>(&mut linker, |it| it).unwrap();
    let mut store = Store::new(&engine, Lines::default());
    store.set_epoch_deadline(1_000);

    let read = |text: &str| Component::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    let before = read(include_str!("../tests/versions/v0/plugin.wat"));
    let before = v0::Plugin::instantiate_async(&mut store, &before, &linker).await.unwrap();
    let id = before.myrelay_plugin_lifecycle().call_describe(&mut store).await.unwrap();
    assert_eq!(id, "org.example.v0");

    let today = read(include_str!("../tests/versions/v1.wat"));
    let today = linker.instantiate_async(&mut store, &today).await.unwrap();
    let run = today.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    run.call_async(&mut store, ()).await.unwrap();

    assert_eq!(store.data().0, ["Level::Info: it was built before", "Level::Warn: it is of today"]);
}
