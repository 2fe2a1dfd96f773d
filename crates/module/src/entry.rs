//! Where the server enters: loading, and the refusal to unload.
//!
//! The only `unsafe` of this crate stands here: the two functions that the server looks up by name.
#![allow(unsafe_code)]
#![expect(unreachable_pub, reason = "the server finds these functions by name")]

use std::ffi::{c_int, c_void};

use gearframe_server_api::{Context, LogLevel};

use crate::host;

const NAME: &std::ffi::CStr = c"rg";

/// RedisGears counts 1.2.13 as 10213; clients read from it which commands there are.
const VERSION: c_int = 10300;

const OK: c_int = 0;
const ERR: c_int = 1;

/// Loads the module.
///
/// # Safety
/// Called by the server alone, on its main thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn RedisModule_OnLoad(
    context: *mut c_void,
    argv: *mut *mut c_void,
    argc: c_int,
) -> c_int {
    // SAFETY: these are the server's own arguments.
    let loaded = unsafe { Context::load(context, argv, argc, NAME, VERSION) };
    match loaded {
        // Without the server's functions there is no log to write to but this.
        Err(error) => {
            eprintln!("gearframe: not loaded: {error}");
            ERR
        }
        Ok((context, arguments)) => match host::load(&context, &arguments) {
            Ok(()) => OK,
            Err(text) => {
                context.log(
                    LogLevel::Warning,
                    &format!("gearframe is not loaded: {text}"),
                );
                ERR
            }
        },
    }
}

/// Refuses to unload: Python's threads run in this module's code, and cannot be taken away.
///
/// # Safety
/// Called by the server alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn RedisModule_OnUnload(_: *mut c_void) -> c_int {
    if !host::started() {
        return OK; // the server refuses what it has just loaded: an argument of LOADEX is wrong
    }
    // A server that shuts down asks too; it goes on without the answer.
    if !host::ending() {
        host::log(
            LogLevel::Warning,
            "gearframe cannot be unloaded while the server runs: its threads run Python; restart the server without it",
        );
    }
    ERR
}
