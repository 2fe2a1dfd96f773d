//! A stand-in that only tells the server its name, until the module itself is here.

use std::ffi::{c_char, c_int, c_void};

type GetApi = unsafe extern "C" fn(*const c_char, *mut *mut c_void) -> c_int;
type SetAttribs = unsafe extern "C" fn(*mut c_void, *const c_char, c_int, c_int);

/// The entry point that servers look for.
///
/// # Safety
///
/// Only a server may call it, with its own context.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn RedisModule_OnLoad(context: *mut c_void) -> c_int {
    let mut found = std::ptr::null_mut();
    // SAFETY: the first word of a context is the function that finds all others.
    let get_api = unsafe { *context.cast::<Option<GetApi>>() };
    let Some(get_api) = get_api else { return 1 };
    // SAFETY: the name ends with a zero, and the place for the result lives long enough.
    if unsafe { get_api(c"RedisModule_SetModuleAttribs".as_ptr(), &raw mut found) } != 0 {
        return 1;
    }
    // SAFETY: the server gave this function under this name; null is None.
    let set = unsafe { std::mem::transmute::<*mut c_void, Option<SetAttribs>>(found) };
    let Some(set) = set else { return 1 };
    // SAFETY: the server copies the name.
    unsafe { set(context, c"gearframe".as_ptr(), 1, 1) };
    0
}
