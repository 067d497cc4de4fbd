#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::mrz::run(text));
