// SPDX-License-Identifier: GPL-2.0
// rust_abba - two std::sync::Mutexes in two orders; compiled by the test where there is a rustc
use std::sync::{Barrier, Mutex};
use std::thread;

static CACHE: Mutex<u32> = Mutex::new(1);
static INDEX: Mutex<u32> = Mutex::new(2);

fn main() {
    let both = Barrier::new(2);

    thread::scope(|s| {
        thread::Builder::new().name("filler".into()).spawn_scoped(s, || {
            let mut first = CACHE.lock().unwrap();
            both.wait();
            *first += *INDEX.lock().unwrap();
        }).unwrap();
        thread::Builder::new().name("cleaner".into()).spawn_scoped(s, || {
            let mut first = INDEX.lock().unwrap();
            both.wait();
            *first += *CACHE.lock().unwrap();
        }).unwrap();
    });
}
