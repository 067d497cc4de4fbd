#![no_main]

libfuzzer_sys::fuzz_target!(|input: fuzz::text_layers::Input| fuzz::text_layers::run(input));
