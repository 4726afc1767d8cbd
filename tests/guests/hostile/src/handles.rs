//! What can be done to handles.

use hygge_sdk::bindings::home::exports::hygge::connector::home as contract;

use crate::home::Reader;

/// Does what `behaviour` says, if it is about handles.
pub(crate) fn misuse(behaviour: &str) {
    match behaviour {
        "handles" => {
            for _ in 0.. {
                std::mem::forget(reader("well"));
            }
        }
        "endless_destructor" => drop(reader("loop_in_destructor")),
        "dropped_twice" => {
            let handle = reader("well");
            drop_reader(handle.handle());
            drop_reader(handle.handle());
        }
        "used_after_drop" => {
            let handle = reader("well");
            drop_reader(handle.handle());
            // Looks up what the handle stood for.
            rep_of(handle.handle());
        }
        "made_up" => drop_reader(0x00ff_ffff),
        _ => {}
    }
}

fn reader(behaviour: &str) -> contract::Reader {
    contract::Reader::new(Reader::new(behaviour))
}

fn drop_reader(handle: u32) {
    #[cfg(target_arch = "wasm32")]
    // SAFETY: the host checks every handle; that it does is what is tested here.
    #[allow(unsafe_code)]
    unsafe {
        raw::drop_reader(handle);
    }
    #[cfg(not(target_arch = "wasm32"))]
    let _ = handle;
}

fn rep_of(handle: u32) {
    #[cfg(target_arch = "wasm32")]
    // SAFETY: as above.
    #[allow(unsafe_code)]
    unsafe {
        raw::rep_of_reader(handle);
    }
    #[cfg(not(target_arch = "wasm32"))]
    let _ = handle;
}

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)]
mod raw {
    #[link(wasm_import_module = "[export]hygge:connector/home@0.1.1")]
    unsafe extern "C" {
        #[link_name = "[resource-drop]reader"]
        pub(super) fn drop_reader(handle: u32);
        #[link_name = "[resource-rep]reader"]
        pub(super) fn rep_of_reader(handle: u32) -> u32;
    }
}
